/* What tests put between a process and the system. LD_PRELOAD brings it in; the program is the one that users run, unchanged.
 *
 * PRELOAD_AHEAD_S  seconds by which the time of day runs ahead
 * PRELOAD_FAULT    a file that says what shall go wrong from the moment on at which it is there:
 *
 *     sync N PATH      SIGKILL at the N-th request to make a file durable
 *     torn N PATH      SIGKILL in the middle of the N-th write: half of it is done
 *     full 1 PATH      from now on the disk is full
 *     count 1 PATH     nothing goes wrong
 *
 * counted over files whose path contains PATH; A|B is either of two. PATH may be several, A>B>C: counting starts at C once there was
 * one of A, and then one of B. Each one that counts leaves a line in the file PRELOAD_FAULT.log. A new content starts anew.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum operation { SYNC, WRITE };
enum verdict { GO_ON, TEAR, FULL };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char known[PATH_MAX];
static long counted;
static int reached;

static long ahead(void) {
    const char *seconds = getenv("PRELOAD_AHEAD_S");
    return seconds ? atol(seconds) : 0;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void note(const char *fault, const char *what, const char *path) {
    char file[PATH_MAX + 8], line[PATH_MAX + 64];
    snprintf(file, sizeof file, "%s.log", fault);
    int log = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) return;
    int length = snprintf(line, sizeof line, "%s %ld %s\n", what, counted, path);
    NEXT(write)(log, line, (size_t)length);
    close(log);
}

/* The step of the path list that comes next; NULL when there is none left. */
static const char *step_of(char *list, int index) {
    char *rest = NULL;
    const char *step = strtok_r(list, ">", &rest);
    while (step && index-- > 0) step = strtok_r(NULL, ">", &rest);
    return step;
}

/* Whether a path contains one of the alternatives. */
static int is_one_of(const char *path, const char *alternatives) {
    char list[PATH_MAX], *rest = NULL;
    snprintf(list, sizeof list, "%s", alternatives);
    for (char *part = strtok_r(list, "|", &rest); part; part = strtok_r(NULL, "|", &rest))
        if (strstr(path, part)) return 1;
    return 0;
}

static enum verdict judge(enum operation operation, int descriptor) {
    const char *fault = getenv("PRELOAD_FAULT");
    if (!fault) return GO_ON;
    int file = open(fault, O_RDONLY | O_CLOEXEC);
    if (file < 0) return GO_ON;
    char content[PATH_MAX] = {0}, kind[16], paths[PATH_MAX], list[PATH_MAX], link[64], path[PATH_MAX];
    ssize_t length = read(file, content, sizeof content - 1);
    close(file);
    long wanted = 0;
    if (length <= 0 || sscanf(content, "%15s %ld %4095s", kind, &wanted, paths) != 3) return GO_ON;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return GO_ON;
    path[length] = 0;
    enum verdict verdict = GO_ON;
    pthread_mutex_lock(&lock);
    if (strcmp(content, known) != 0) {
        memcpy(known, content, sizeof known);
        counted = 0;
        reached = 0;
    }
    memcpy(list, paths, sizeof list);
    const char *step = step_of(list, reached);
    if (step && is_one_of(path, step)) {
        memcpy(list, paths, sizeof list);
        if (step_of(list, reached + 1)) {
            reached++;
        } else if (!strcmp(kind, "full")) {
            counted++;
            note(fault, "full", path);
            verdict = FULL;
        } else if ((operation == WRITE) == !strcmp(kind, "torn")) {
            counted++;
            note(fault, operation == SYNC ? "sync" : "write", path);
            if (counted == wanted && strcmp(kind, "count")) {
                if (operation == SYNC) die();
                verdict = TEAR;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return verdict;
}

int fsync(int descriptor) {
    if (judge(SYNC, descriptor) == FULL) return errno = ENOSPC, -1;
    return NEXT(fsync)(descriptor);
}

int fdatasync(int descriptor) {
    if (judge(SYNC, descriptor) == FULL) return errno = ENOSPC, -1;
    return NEXT(fdatasync)(descriptor);
}

#define JUDGE_WRITE(half, whole)            \
    switch (judge(WRITE, descriptor)) {     \
    case FULL: return errno = ENOSPC, -1;   \
    case TEAR: half; die(); return -1;      \
    default: return whole;                  \
    }

ssize_t write(int descriptor, const void *bytes, size_t count) {
    JUDGE_WRITE(NEXT(write)(descriptor, bytes, count / 2), NEXT(write)(descriptor, bytes, count))
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t at) {
    JUDGE_WRITE(NEXT(pwrite)(descriptor, bytes, count / 2, at), NEXT(pwrite)(descriptor, bytes, count, at))
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t at) {
    JUDGE_WRITE(NEXT(pwrite64)(descriptor, bytes, count / 2, at), NEXT(pwrite64)(descriptor, bytes, count, at))
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int outcome = NEXT(clock_gettime)(clock, now);
    if (outcome == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return outcome;
}

time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    int outcome = NEXT(gettimeofday)(now, zone);
    if (outcome == 0) now->tv_sec += ahead();
    return outcome;
}
