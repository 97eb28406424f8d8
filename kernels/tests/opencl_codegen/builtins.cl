// The OpenCL built-in functions that the kernels use, written with the compiler's own intrinsics.
//
// A driver brings these as a bitcode library. Without them the code generator would see calls to unknown
// functions, which force registers into memory, and its counts would say nothing. Only the
// code-generation test compiles this file; it is linked into nothing.

#define BUILTIN static inline __attribute__((overloadable, always_inline))

#if defined(__NVPTX__)
BUILTIN uint local_item(void) { return __nvvm_read_ptx_sreg_tid_x(); }
BUILTIN uint global_item(void) { return __nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x(); }
BUILTIN void group_barrier(void) { __syncthreads(); }
// The intrinsic takes a generic pointer, which OpenCL C 1.2 has no name for.
BUILTIN uint add(volatile __global uint *p, uint v) { return (uint)__nvvm_atom_add_gen_i((volatile int *)(size_t)p, (int)v); }
#elif defined(__AMDGCN__)
BUILTIN uint local_item(void) { return __builtin_amdgcn_workitem_id_x(); }
BUILTIN uint global_item(void) { return __builtin_amdgcn_workgroup_id_x() * 64 + __builtin_amdgcn_workitem_id_x(); }
BUILTIN void group_barrier(void) {
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
BUILTIN uint add(volatile __global uint *p, uint v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
BUILTIN uint wave_lane(void) { return __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u)); }
BUILTIN uint from_wave_lane(uint value, uint lane) { return (uint)__builtin_amdgcn_ds_bpermute((int)(lane << 2), (int)value); }
#define get_sub_group_local_id() wave_lane()
#define sub_group_shuffle(value, lane) from_wave_lane(value, lane)
#else
#error "no built-in functions are written for this target"
#endif

BUILTIN ulong rotate_lane(ulong x, ulong n) { return (x << (n & 63)) | (x >> ((64 - n) & 63)); }
BUILTIN uint smaller(uint a, uint b) { return a < b ? a : b; }
BUILTIN ulong joined(uint high, uint low) { return ((ulong)high << 32) | low; }

#define get_local_id(dimension) local_item()
#define get_global_id(dimension) global_item()
#define barrier(flags) group_barrier()
#define rotate(x, n) rotate_lane(x, n)
#define min(a, b) smaller(a, b)
#define upsample(high, low) joined(high, low)
#define atomic_inc(p) add(p, 1u)
#define atomic_add(p, v) add(p, v)
