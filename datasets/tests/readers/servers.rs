//! Real database servers: each test starts its own, below a folder of its own, and stops it.
//!
//! They listen on a socket in that folder and nowhere else. Both refuse to run as root, so a test that is
//! root hands them the account that their package made.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor};

/// How long a server may take to start: the machine may be busy with builds.
const PATIENCE: Duration = Duration::from_mins(3);

/// Runs statements on a SQLite file.
pub(crate) fn sqlite(url: &str, sql: &str) {
    statements::<sqlx::SqliteConnection>(url, sql);
}

/// Runs statements on a database.
pub(crate) fn statements<C: Connection>(url: &str, sql: &str)
where
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    try_statements::<C>(url, sql).unwrap();
}

fn try_statements<C: Connection>(url: &str, sql: &str) -> Result<(), sqlx::Error>
where
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = C::connect(url).await?;
        connection.execute(AssertSqlSafe(sql.to_owned())).await?;
        connection.close().await
    })
}

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    /// The database's URL.
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both servers shut down in order on SIGTERM or SIGINT; a kill is for one that hangs.
        let signal = |name: &str| Command::new("kill").args([name, &self.child.id().to_string()]).status();
        _ = signal("-INT");
        _ = signal("-TERM");
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A program of a server's package, wherever the distribution puts it.
fn program(name: &str, package: &str) -> PathBuf {
    let paths = std::env::var("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    folders.extend(["/usr/sbin", "/usr/libexec"].map(PathBuf::from));
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not on this machine: install the package {package}"))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A folder that a server's account owns.
fn folder(account: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("medrec-db-").tempdir_in("/tmp").unwrap();
    if is_root() {
        let output = Command::new("id").args(["-u", account]).output().unwrap();
        let user = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        chown(folder.path(), Some(user), None).unwrap();
    }
    folder
}

/// A command under a server's account, if this process is root.
fn under(account: &str, program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", account, "--regid", account, "--clear-groups", "--"]).arg(program);
    command
}

fn finished(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}{}", String::from_utf8_lossy(&output.stdout));
}

/// Starts a server and waits until it answers.
fn started<C: Connection>(mut command: Command, url: String, folder: tempfile::TempDir) -> Server
where
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).current_dir("/");
    let mut server = Server { child: command.spawn().unwrap(), url, folder };
    let start = Instant::now();
    while let Err(error) = try_statements::<C>(&server.url, "SELECT 1") {
        let ended = server.child.try_wait().unwrap();
        let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
        assert!(ended.is_none() && start.elapsed() < PATIENCE, "{error}; the server said: {log}");
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// A PostgreSQL of its own.
pub(crate) fn postgres() -> Server {
    let (folder, account) = (folder("postgres"), "postgres");
    let data = folder.path().join("data");
    let mut make = under(account, &program("initdb", "postgresql"));
    make.arg("-D").arg(&data).args(["-A", "trust", "-U", "medrec", "-E", "UTF8", "--locale=C", "--no-sync"]);
    finished(make);
    let mut serve = under(account, &program("postgres", "postgresql"));
    serve.arg("-D").arg(&data).arg("-k").arg(folder.path());
    serve.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=30"]);
    let url = format!("postgres://medrec@localhost/postgres?host={}", folder.path().display());
    started::<sqlx::PgConnection>(serve, url, folder)
}

/// A MariaDB of its own.
pub(crate) fn mariadb() -> Server {
    let (folder, account) = (folder("mysql"), "mysql");
    let (data, socket) = (folder.path().join("data"), folder.path().join("socket"));
    let mut make = under(account, &program("mariadb-install-db", "mariadb-server"));
    make.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
    // Two servers that start at once would meet in the system's folder for temporary files.
    make.arg(format!("--tmpdir={}", folder.path().display()));
    make.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    finished(make);
    let mut serve = under(account, &program("mariadbd", "mariadb-server"));
    serve.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
    serve.arg(format!("--socket={}", socket.display()));
    serve.arg(format!("--pid-file={}", folder.path().join("pid").display()));
    serve.arg(format!("--tmpdir={}", folder.path().display()));
    serve.args(["--skip-networking", "--log-bin-trust-function-creators=1"]);
    let url = format!("mysql://root@localhost/mysql?socket={}", socket.display());
    started::<sqlx::MySqlConnection>(serve, url, folder)
}
