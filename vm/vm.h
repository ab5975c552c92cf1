/*
 * vm.h - the face of the engine: the only header of vm/ that others include.
 *
 * The life of a machine
 *
 *     vm_config_init, vm_machine_new          frames, page cache, no process yet
 *       vm_process_spawn, vm_exec, vm_fork    processes; each pointer is a reference
 *         vm_mmap, vm_munmap, ...             change the areas of a process
 *         vm_read, vm_write, vm_access        accesses, through page tables and faults
 *         vm_process_areas, _entries, ...     look, without touching
 *       vm_process_exit, vm_process_unref
 *     vm_machine_sync, vm_machine_free        every dirty shared page is back in its file
 *
 * Many machines may live in one program; they share nothing.
 *
 * Every function may be called from any thread, and none may be called from inside a callback of
 * another one. A function that does not say otherwise returns 0 or a negative errno.
 *
 * Locks, always taken in this order:
 *
 *   1. process->lock   reader-writer; reading for accesses, writing for what changes areas or forks.
 *                      Two processes' locks are taken in pid order. Not held while a host file is
 *                      read for a fault.
 *   2. machine->lock   one mutex: page-table entries, frames, objects' caches, counters, the table
 *                      of processes. Never held across input or output.
 *
 * Addresses are 64-bit numbers of the simulated process, lengths are bytes. PROT_, MAP_, MREMAP_
 * and MS_ constants are the host's.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
	VM_PAGE_SHIFT = 12,
	VM_PAGE_SIZE = 1 << VM_PAGE_SHIFT,
};

/* The first address past user space: 47 bits less the guard page (TASK_SIZE_MAX of x86-64). */
#define VM_USER_END UINT64_C(0x7ffffffff000)

/*
 * Whether bits 47 to 63 of VA are equal: an access elsewhere is no page fault but a general
 * protection fault.
 */
static inline bool vm_is_canonical(uint64_t va)
{
	return va >> 47 == 0 || va >> 47 == UINT64_MAX >> 47;
}

struct vm_machine;
struct vm_process;
struct vm_file;

/* --- Media ------------------------------------------------------------------------------------ */

struct vm_medium;

/*
 * What pages are read from and written to. No lock is held, and several threads may be in it. A
 * transfer may be short. -EINTR: it is tried again.
 */
struct vm_medium_ops {
	/* Read up to LEN bytes at OFFSET: how many; 0 at the end; or a negative errno. */
	ssize_t (*read)(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset);
	/*
	 * Write up to LEN bytes at OFFSET: how many, or a negative errno. INSIDE: only bytes before
	 * the present end of the medium; 0 if there are none.
	 */
	ssize_t (*write)(const struct vm_medium *medium, const void *buf, size_t len,
	                 uint64_t offset, bool inside);
	/* Nobody uses it any more. */
	void (*close)(const struct vm_medium *medium);
};

struct vm_medium {
	const struct vm_medium_ops *ops;
	int fd;    /* host descriptor */
	void *ctx; /* whatever the operations want */
};

/* A file of the host: pread, pwrite and close of FD. */
extern const struct vm_medium_ops vm_host_ops;

static inline struct vm_medium vm_host_medium(int fd)
{
	return (struct vm_medium){&vm_host_ops, fd, NULL};
}

/* --- The machine ------------------------------------------------------------------------------ */

/* As vm.overcommit_memory. */
enum vm_overcommit { VM_OVERCOMMIT_GUESS, VM_OVERCOMMIT_ALWAYS, VM_OVERCOMMIT_NEVER };

/* Entries of one TLB: sets x ways. */
#define VM_MAX_TLB 65536u

struct vm_config {
	/* bytes of frames for user pages, rounded down to pages; at least one */
	uint64_t ram;
	uint64_t max_tables;    /* page-table pages of all processes together */
	uint64_t max_processes; /* alive at one time */
	uint64_t max_map_count; /* areas of one process, as vm.max_map_count */
	uint64_t mmap_min_addr; /* as vm.mmap_min_addr */
	/* bytes of the swap file, rounded down to pages; 0: no swap */
	uint64_t swap;
	/* where swap is kept, which the machine owns from now on; no operations: no swap */
	struct vm_medium swap_medium;
	const char *policy; /* "clock", "lru", "fifo", "random" */
	/* of each process's TLB, at most VM_MAX_TLB entries; 0 turns it off */
	unsigned tlb_sets, tlb_ways;
	unsigned overcommit_memory; /* enum vm_overcommit */
	unsigned overcommit_ratio;  /* percent of RAM in CommitLimit */
	/* 0 to 200; 0 spares anonymous pages while clean file pages are left */
	unsigned swappiness;
	/* out of memory: end the largest process, else fail the access */
	bool oom_kill;
	/* how host files are read and written, and the context of their media */
	const struct vm_medium_ops *file_ops;
	void *file_ctx;
	uint64_t dirty_writeback_centisecs; /* period of the write-back thread; 0 turns it off */
	uint64_t seed;                      /* for aslr */
	pid_t first_pid;                    /* at least 1 */
	bool aslr;                          /* randomise stack, mmap base and PIE base */
	bool segv_kill;                     /* a fatal fault ends the process */
};

/* Fill in the defaults: 256 MiB of RAM, no address-space randomisation. */
void vm_config_init(struct vm_config *config);

/*
 * A new machine, or NULL with ERROR set (no memory for its frames; a value of CONFIG out of range).
 */
struct vm_machine *vm_machine_new(const struct vm_config *config, GError **error);

/*
 * End every process, write every dirty shared page to its file, and free MACHINE.
 * The caller holds no reference to a process or file of it any more.
 */
void vm_machine_free(struct vm_machine *machine);

/*
 * Write every dirty shared page to its file. Returns 0 or the first error met (-EIO, -ENOSPC, ...);
 * goes on past it.
 */
int vm_machine_sync(struct vm_machine *machine);

/* The pids of all living processes, ascending: a GArray of pid_t that the caller frees. */
GArray *vm_machine_pids(struct vm_machine *machine);

struct vm_machine_info {
	uint64_t frames_total, frames_free; /* pages */
	/* pages in use by kind; file and shmem are the page cache */
	uint64_t frames_anon, frames_file, frames_shmem;
	/* page-cache pages that some process maps */
	uint64_t frames_mapped;
	uint64_t frames_dirty, frames_writeback; /* page-cache pages */
	uint64_t tables;                         /* page-table pages */
	/* alive; made since start, by fork or spawn */
	uint64_t processes, forks;
	/* pages that overcommit accounting charges */
	uint64_t committed;
	uint64_t faults, major_faults; /* since start */
	uint64_t zeroed;               /* frames cleared for a process */
	uint64_t cow_copies, cow_reuses;
	uint64_t swap_total, swap_used, swap_cached; /* pages */
	uint64_t swap_ins, swap_outs;                /* pages, since start */
	/* frames looked at by reclaim and freed by it, since start */
	uint64_t scanned, reclaimed;
	uint64_t oom_kills;
	uint64_t locked;                  /* pages in locked areas */
	uint64_t commit_limit;            /* pages */
	uint64_t file_reads, file_writes; /* pages read from and written to host files */
	int64_t start;                    /* CLOCK_REALTIME, ns since 1970 */
	int64_t uptime;                   /* ns since start */
};

void vm_machine_info(struct vm_machine *machine, struct vm_machine_info *info);

/* --- Host files ------------------------------------------------------------------------------- */

/*
 * A new open file of the machine around the host descriptor FD, which it owns from now on (also on
 * failure). FD is a regular file opened with access mode ACCESS: O_RDONLY, O_WRONLY or O_RDWR.
 * Descriptors of the same file, name and access mode are shared, so a thousand opens cost one.
 * Returns a reference, or NULL with *ERROR a negative errno (-ENODEV: not a regular file, -ENOMEM,
 * those of fstat).
 */
struct vm_file *vm_file_new(struct vm_machine *machine, int fd, int access, int *error);
struct vm_file *vm_file_ref(struct vm_file *file);
void vm_file_unref(struct vm_file *file);

/*
 * The present name of FILE as /proc/PID/maps shows it: absolute, ` (deleted)` after an unlink. Free
 * with g_free.
 */
char *vm_file_name(const struct vm_file *file);

/*
 * How the engine opens a host file that it finds by itself (an interpreter, a library): OPEN gets
 * an absolute path, or one relative to the caller's working directory, and returns a file opened
 * for reading, with the caller's rights. With EXECUTABLE it must also be a file that the caller may
 * execute (else -EACCES). NULL and *error: a negative errno.
 */
struct vm_opener {
	struct vm_file *(*open)(void *ctx, const char *path, bool executable, int *error);
	void *ctx;
};

/* --- Processes: life -------------------------------------------------------------------------- */

struct vm_cred {
	uid_t uid; /* 0 has root's capabilities */
	gid_t gid;
};

/*
 * A new process named NAME (cut to 15 bytes) with a stack and an empty heap at 0x555555556000.
 * Returns a reference, or NULL with *ERROR -EAGAIN (too many processes) or -ENOMEM.
 */
struct vm_process *vm_process_spawn(struct vm_machine *machine, const struct vm_cred *cred,
                                    const char *name, int *error);

/* A reference to the living process PID, or NULL. */
struct vm_process *vm_process_find(struct vm_machine *machine, pid_t pid);
struct vm_process *vm_process_ref(struct vm_process *process);
void vm_process_unref(struct vm_process *process);
pid_t vm_process_pid(const struct vm_process *process);

/* The owner of the process. */
struct vm_cred vm_process_cred(const struct vm_process *process);

/* Its name from now on, cut to 15 bytes (a write to /proc/PID/comm). -ESRCH. */
int vm_process_set_comm(struct vm_process *process, const char *name);

/* False once the process has ended: its calls then answer -ESRCH. */
bool vm_process_alive(struct vm_process *process);

/*
 * fork(2): a copy of PROCESS owned by CRED. Returns a reference, or NULL with *ERROR -EAGAIN,
 * -ENOMEM or -ESRCH.
 */
struct vm_process *vm_fork(struct vm_process *process, const struct vm_cred *cred, int *error);

/*
 * _exit(2): areas, page tables and descriptors go, dirty shared pages are written, the pid is gone
 * on return. STATUS is dropped, because nobody can wait for it. -ESRCH.
 */
int vm_process_exit(struct vm_process *process, int status);

/*
 * kill(2). SIGNAL 0 only tests; a signal that is ignored by default (SIGCHLD, SIGCONT, SIGURG,
 * SIGWINCH) does nothing; any other ends the process. -EINVAL: no such signal.
 */
int vm_process_kill(struct vm_process *process, int signal);

struct vm_exec_args {
	const char *path;        /* as the caller gave it */
	const char *const *argv; /* NULL-terminated, at least argv[0] */
	/* NULL-terminated, or NULL: the process's own (see vm_process_setenv) */
	const char *const *envp;
	struct vm_opener opener;
	bool kernel_only; /* stop at what the kernel maps: no libraries, no heap */
};

/*
 * execve(2), then, unless KERNEL_ONLY, the libraries that ld.so would map and a first heap. Stores
 * the program's entry point in *ENTRY (AT_ENTRY). The old address space goes only when the new one
 * stands. -ENOEXEC for a malformed file, -E2BIG, -EACCES, -ELOOP (a chain of interpreters),
 * -ENOENT, -ENOMEM, -ESRCH.
 */
int vm_exec(struct vm_process *process, const struct vm_exec_args *args, uint64_t *entry);

/*
 * setenv(3) in the environment that the next exec gets; VALUE NULL removes NAME. -EINVAL: NAME is
 * empty or has a '='; -ENOMEM: the environment would be larger than 128 KiB; -ESRCH.
 */
int vm_process_setenv(struct vm_process *process, const char *name, const char *value);

/* --- Processes: limits ------------------------------------------------------------------------ */

#define VM_UNLIMITED UINT64_MAX

/* The limits of setrlimit(2) that bear on memory, in bytes. Forks inherit them, exec keeps them. */
enum vm_limit {
	VM_LIMIT_AS,
	VM_LIMIT_STACK,
	VM_LIMIT_DATA,
	VM_LIMIT_MEMLOCK,
	VM_LIMIT_CORE,
	VM_LIMITS
};

/* setrlimit(2): -EINVAL (SOFT above HARD), -EPERM (HARD raised by another than root), -ESRCH. */
int vm_process_set_limit(struct vm_process *process, enum vm_limit limit, uint64_t soft,
                         uint64_t hard);
/* getrlimit(2). */
void vm_process_limit(struct vm_process *process, enum vm_limit limit, uint64_t *soft,
                      uint64_t *hard);

/* --- Processes: descriptors ------------------------------------------------------------------- */

/* Descriptors that a process may have: RLIMIT_NOFILE's default. */
#define VM_MAX_FDS 1024

/*
 * The lowest free descriptor, which now refers to FILE (a reference is taken). -EMFILE past 1024,
 * -ESRCH.
 */
int vm_process_open(struct vm_process *process, struct vm_file *file);
/* close(2): -EBADF, -ESRCH. */
int vm_process_close(struct vm_process *process, int fd);
/* A reference to the file behind FD, or NULL. */
struct vm_file *vm_process_file(struct vm_process *process, int fd);

/* --- Processes: calls that change areas ------------------------------------------------------- */

/*
 * mmap(2) with FILE, which may be NULL for MAP_ANONYMOUS, in place of a descriptor (a reference is
 * taken). OFFSET in bytes. Returns the address, or what mmap's errno would be, in Linux's order of
 * checks.
 */
int64_t vm_mmap(struct vm_process *process, uint64_t addr, uint64_t len, int prot, int flags,
                struct vm_file *file, uint64_t offset);
/* munmap(2): -EINVAL, -ENOMEM. */
int vm_munmap(struct vm_process *process, uint64_t addr, uint64_t len);
/* mprotect(2): -EINVAL, -ENOMEM, -EACCES. PROT may have PROT_GROWSDOWN. */
int vm_mprotect(struct vm_process *process, uint64_t addr, uint64_t len, int prot);
/* mremap(2): the address, or -EINVAL, -EFAULT, -ENOMEM, -EAGAIN. */
int64_t vm_mremap(struct vm_process *process, uint64_t addr, uint64_t old_len, uint64_t new_len,
                  int flags, uint64_t new_addr);
/*
 * mlock(2), and mlock2(2) with FLAGS MLOCK_ONFAULT; munlock(2); mlockall(2) with MCL_CURRENT,
 * MCL_FUTURE, MCL_ONFAULT; munlockall(2). Locked pages are never evicted. -EINVAL, -ENOMEM (a hole,
 * or the limit of 8 MiB for others than root), -EPERM, -EAGAIN.
 */
int vm_mlock(struct vm_process *process, uint64_t addr, uint64_t len, int flags);
int vm_munlock(struct vm_process *process, uint64_t addr, uint64_t len);
int vm_mlockall(struct vm_process *process, int flags);
int vm_munlockall(struct vm_process *process);
/*
 * brk system call: the break after it, unchanged where refused; 0 asks. Negative only for -ESRCH.
 */
int64_t vm_brk(struct vm_process *process, uint64_t addr);
/* sbrk(3): the break before it, or -ENOMEM. */
int64_t vm_sbrk(struct vm_process *process, int64_t increment);
/* msync(2): -EINVAL, -ENOMEM, -EBUSY, and the error of a write-back that failed. */
int vm_msync(struct vm_process *process, uint64_t addr, uint64_t len, int flags);

/*
 * madvise(2) with one of the MADV_ constants, in Linux's order of checks: -EINVAL (unaligned,
 * unknown advice, an area that it is not for), -ENOMEM (a hole, after all else is done; no memory),
 * -EAGAIN (too many areas), -EACCES, -EFAULT, and what fallocate answers for MADV_REMOVE of a host
 * file.
 */
int vm_madvise(struct vm_process *process, uint64_t addr, uint64_t len, int advice);
/*
 * mincore(2): VEC gets 0 or 1 for each page of [ADDR, ADDR+LEN), LEN rounded up to pages. -EINVAL:
 * unaligned; -ENOMEM: a hole, or not all in user space (VEC is filled up to there).
 */
int vm_mincore(struct vm_process *process, uint64_t addr, uint64_t len, uint8_t *vec);

/* --- Accesses and faults ---------------------------------------------------------------------- */

/* The most that one vm_read or vm_write moves, bytes. */
#define VM_MAX_TRANSFER ((size_t)1 << 20)

enum vm_access { VM_ACCESS_READ, VM_ACCESS_WRITE, VM_ACCESS_EXEC };

enum vm_outcome { VM_HIT, VM_MINOR, VM_MAJOR, VM_FATAL };

enum vm_fault_kind {
	VM_FAULT_NONE,          /* a hit */
	VM_FAULT_ZERO_PAGE,     /* read of untouched anonymous memory */
	VM_FAULT_DEMAND_ZERO,   /* a cleared frame */
	VM_FAULT_FILE_READ,     /* major: a page was read from its host file */
	VM_FAULT_PAGE_CACHE,    /* minor: the page was in the cache */
	VM_FAULT_COW_COPY,      /* write to a page that others see too: it was copied */
	VM_FAULT_COW_REUSE,     /* write to a page that nobody else sees any more */
	VM_FAULT_WRITE_NOTIFY,  /* first write to a clean shared page */
	VM_FAULT_SWAP_IN,       /* major: a page was read from swap */
	VM_FAULT_SWAP_CACHE,    /* minor: the page was still, or again, in a frame */
	VM_FAULT_STACK_GROW,    /* the stack grew; `then` says what followed */
	VM_FAULT_TABLE_UNSHARE, /* nothing but page tables had to be copied after a fork */
	VM_FAULT_SEGV_MAPERR,
	VM_FAULT_SEGV_ACCERR,
	VM_FAULT_SIGBUS,
	VM_FAULT_OOM,
	VM_FAULT_KINDS
};

/* "minor", "cow-copy", ...: the words of PID/faults. */
const char *vm_outcome_name(enum vm_outcome outcome);
const char *vm_fault_kind_name(enum vm_fault_kind kind);

#define VM_NO_FRAME UINT64_MAX

/* One access that faulted, or, from vm_access alone, one that hit. */
struct vm_fault {
	uint64_t seq; /* counts the machine's faults from 1; 0 for a hit */
	int64_t time; /* ns since the machine's start */
	pid_t pid;
	enum vm_access access;
	enum vm_outcome outcome;
	enum vm_fault_kind kind;
	enum vm_fault_kind then; /* what followed a stack-grow, else VM_FAULT_NONE */
	/* page tables shared with a fork that were copied on the way */
	unsigned tables_copied;
	uint64_t va;                   /* the address accessed */
	uint64_t area_start, area_end; /* the area found; both 0 without one */
	char area_perm[5];             /* "rw-p" */
	uint64_t frame;                /* now mapped, or VM_NO_FRAME */
	uint64_t from;                 /* copied from, or VM_NO_FRAME */
	uint64_t slot;                 /* swap slot that the page was in, or VM_NO_FRAME */
	uint64_t evicted;              /* frame that had to be emptied for it, or VM_NO_FRAME */
	bool tlb;                      /* of vm_access: the translation stood in the TLB */
	/* name of the mapped file, or NULL; lives as long as the callback */
	const char *file;
	uint64_t offset; /* in that file, bytes, of the page */
};

typedef void (*vm_fault_fn)(void *ctx, const struct vm_fault *fault);

/* Takes COUNT pieces of memory that hold the answer; called once, only on success. */
typedef void (*vm_sink_fn)(void *ctx, const struct iovec *iov, int count);

/*
 * The process reads LEN bytes (1 to 1 MiB) at VA: SINK gets the pinned frames themselves. Returns
 * the bytes read: fewer than LEN where a later page cannot be read. Where the first cannot: -EFAULT
 * (no area), -EACCES (protection), -EIO (SIGBUS), -ENOMEM; -ESRCH after the process's end. VA at or
 * past VM_USER_END: -EFAULT.
 */
ssize_t vm_read(struct vm_process *process, uint64_t va, size_t len, vm_sink_fn sink, void *ctx);
/* The process writes LEN bytes of BUF at VA. Results as vm_read. */
ssize_t vm_write(struct vm_process *process, uint64_t va, const void *buf, size_t len);

/*
 * One access of the given kind to each page of [VA, VA+LEN), in order, without data; LEN at least
 * 1. FN, if not NULL, gets each page's outcome, the fatal one too. Returns 0 or the errno of the
 * first fatal one (as vm_read), or -ESRCH.
 */
int vm_access(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access,
              vm_fault_fn fn, void *ctx);

struct vm_translation {
	uint64_t entry[4]; /* PGD, PUD, PMD, PTE as far as walked */
	int levels;        /* entries walked, 1 to 4 */
	bool present;      /* pa is valid */
	uint64_t pa;       /* physical address */
	/* of a read at va now: VM_HIT, or the fault that it would take ... */
	enum vm_outcome outcome;
	enum vm_fault_kind kind; /* ... and its kind */
};

/* What a read at VA would find; changes nothing. -ESRCH. */
int vm_translate(struct vm_process *process, uint64_t va, struct vm_translation *translation);

/*
 * Copy what resident memory holds at VA without an access: absent pages read as zeros. Bytes
 * copied, up to the end of the area.
 */
size_t vm_peek(struct vm_process *process, uint64_t va, void *buf, size_t len);

/* --- Looking ---------------------------------------------------------------------------------- */

struct vm_area_info {
	uint64_t start, end;
	char perm[5];    /* "rwxp" */
	uint64_t offset; /* bytes in the file */
	dev_t dev;
	ino_t ino; /* 0 without a file */
	/* path, "[heap]", "[stack]", ... or NULL; lives as long as the callback */
	const char *name;
};

typedef void (*vm_area_fn)(void *ctx, const struct vm_area_info *area);
/* FN for each area, by address. -ESRCH. */
int vm_process_areas(struct vm_process *process, vm_area_fn fn, void *ctx);

/*
 * The next place at or after VA with data (HOLE false) or without (HOLE true), as lseek's SEEK_DATA
 * and SEEK_HOLE: areas that can be read are data. -ENXIO: none below VM_USER_END.
 */
int64_t vm_process_seek(struct vm_process *process, uint64_t va, bool hole);

/* What an area has in memory, as /proc/PID/smaps counts it. */
struct vm_area_usage {
	struct vm_area_info area;
	/* bytes */
	uint64_t rss, shared_clean, shared_dirty, private_clean, private_dirty;
	uint64_t referenced, anonymous, lazy_free, swap, locked;
	/* proportional shares, in bytes x 4096 so that small shares do not get lost in a sum */
	uint64_t pss, pss_dirty, pss_anon, pss_file, pss_shmem, pss_locked, swap_pss;
	char vm_flags[80]; /* "rd wr mr mw me ac": two letters and a blank each, as VmFlags */
};

typedef void (*vm_usage_fn)(void *ctx, const struct vm_area_usage *usage);
/* FN for each area, by address. -ESRCH. */
int vm_process_usage(struct vm_process *process, vm_usage_fn fn, void *ctx);

/*
 * The words of /proc/PID/pagemap for COUNT pages from page number FIRST (VA >> 12) on: bits 0-54
 * frame number, or 0-4 swap type and 5-54 swap slot; 55 soft-dirty; 56 mapped by one process only;
 * 58 guard page (with 62, as swap type 31); 61 file or shared; 62 swapped; 63 present. -ESRCH.
 */
int vm_process_pagemap(struct vm_process *process, uint64_t first, size_t count, uint64_t *words);

/*
 * For COUNT frames from PFN on: how often each is mapped, and its KPF_ flags as /proc/kpageflags
 * has them.
 */
void vm_machine_page_counts(struct vm_machine *machine, uint64_t pfn, size_t count,
                            uint64_t *words);
void vm_machine_page_flags(struct vm_machine *machine, uint64_t pfn, size_t count, uint64_t *words);

/*
 * A write to /proc/PID/clear_refs: 1 clears accessed bits of all pages, 2 of anonymous ones, 3 of
 * file pages, 4 the soft-dirty bits, 5 sets VmHWM back. -EINVAL: another number; -ENOMEM; -ESRCH.
 */
int vm_process_clear_refs(struct vm_process *process, int what);

struct vm_tlb_info {
	unsigned sets, ways; /* 0: no TLB is simulated */
	/* flushes: of single entries and of the whole, one each */
	uint64_t hits, misses, flushes;
};

struct vm_tlb_entry {
	unsigned set, way;
	uint64_t va, pfn;
	bool writable, executable, dirty;
};

typedef void (*vm_tlb_fn)(void *ctx, const struct vm_tlb_entry *entry);
/* The process's TLB, and FN (unless NULL) for each valid entry, by set and way. */
void vm_process_tlb(struct vm_process *process, struct vm_tlb_info *info, vm_tlb_fn fn, void *ctx);

enum vm_level { VM_PTE, VM_PMD, VM_PUD, VM_PGD };

enum vm_entry_kind { VM_ENTRY_TABLE, VM_ENTRY_PAGE, VM_ENTRY_HUGE, VM_ENTRY_SWAP, VM_ENTRY_GUARD };

struct vm_entry_info {
	uint64_t va; /* canonical: the upper half is sign-extended */
	enum vm_level level;
	unsigned index; /* 0 to 511 */
	enum vm_entry_kind kind;
	uint64_t raw; /* as x86-64 encodes it */
	/* frame number of the page or table; the slot for VM_ENTRY_SWAP; 0 for VM_ENTRY_GUARD */
	uint64_t pfn;
	uint64_t users; /* processes that share the table, or times the page is mapped */
	bool zero;      /* the zero page */
	bool cow;       /* a write would copy */
};

typedef void (*vm_entry_fn)(void *ctx, const struct vm_entry_info *entry);
/* FN for each entry in use of the four-level table, in address order, parents first. -ESRCH. */
int vm_process_entries(struct vm_process *process, vm_entry_fn fn, void *ctx);

/* FN for the last faults of the process, oldest first. */
void vm_process_faults(struct vm_process *process, vm_fault_fn fn, void *ctx);

/*
 * From now on FN gets every fault that is recorded (its kind VM_FAULT_OOM with outcome VM_FATAL and
 * va 0: PID was killed for lack of memory). It is called under the machine's lock: it must be
 * quick, and call nothing of this header. NULL ends it.
 */
void vm_machine_watch(struct vm_machine *machine, vm_fault_fn fn, void *ctx);

/* Where the parts of a program lie, and its registers (of Linux's mm_struct and pt_regs). */
struct vm_layout {
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t sp, pc; /* stack pointer, program counter */
};

struct vm_process_info {
	pid_t pid, ppid;
	struct vm_cred cred;
	char comm[16];
	int64_t start;                               /* ns since the machine's start */
	uint64_t vm_total, vm_peak;                  /* pages, as VmSize, VmPeak */
	uint64_t vm_data, vm_stack, vm_exec, vm_lib; /* pages, as VmData, VmStk, VmExe, VmLib */
	uint64_t vm_locked, vm_pinned;               /* pages */
	uint64_t rss_anon, rss_file, rss_shmem;      /* pages */
	uint64_t rss_peak;                           /* pages, as VmHWM */
	uint64_t swap;                               /* pages */
	uint64_t tables;                             /* pages, as VmPTE */
	uint64_t areas;
	struct vm_layout layout;
	uint64_t minor_faults, major_faults;             /* of this process */
	uint64_t child_minor_faults, child_major_faults; /* of its children that ended */
	/* SIGSEGV with SEGV_MAPERR ..., of the last fatal fault; 0 without one */
	int last_signal, last_code;
	uint64_t last_address; /* of that fault */
	unsigned fds;          /* open descriptors */
};

/* Answers for an ended process too (its last state). */
void vm_process_info(struct vm_process *process, struct vm_process_info *info);

/* Present name of the running program's file, or NULL. Free with g_free. */
char *vm_process_exe(struct vm_process *process);

/*
 * The auxiliary vector as it stands on the stack; *LEN bytes. Free with g_free. NULL before an
 * exec.
 */
uint64_t *vm_process_auxv(struct vm_process *process, size_t *len);

enum vm_frame_kind { VM_FRAME_ANON, VM_FRAME_FILE, VM_FRAME_SHMEM };

struct vm_frame_info {
	uint64_t pfn;
	enum vm_frame_kind kind;
	uint64_t users; /* times mapped */
	unsigned pins;  /* transfers that hold it this instant */
	bool dirty, writeback;
	uint64_t object; /* number of its object, 0 for private anonymous pages */
	uint64_t index;  /* page in the object */
	pid_t pid;       /* a process that maps it and ... */
	uint64_t va;     /* ... where; pid 0 if none */
};

typedef void (*vm_frame_fn)(void *ctx, const struct vm_frame_info *frame);
void vm_machine_frames(struct vm_machine *machine, vm_frame_fn fn, void *ctx);

struct vm_object_info {
	uint64_t number; /* from 1, never used again */
	bool shmem;
	dev_t dev;
	ino_t ino;
	uint64_t size;         /* bytes */
	uint64_t areas;        /* that map it */
	uint64_t pages, dirty; /* resident, dirty */
	const char *name;      /* path, or "/dev/zero (deleted)" */
};

typedef void (*vm_object_fn)(void *ctx, const struct vm_object_info *object);
void vm_machine_objects(struct vm_machine *machine, vm_object_fn fn, void *ctx);

/* --- Memory pressure -------------------------------------------------------------------------- */

/* Evict up to PAGES frames, as the policy chooses. How many it could. */
uint64_t vm_machine_reclaim(struct vm_machine *machine, uint64_t pages);
/* Drop clean page-cache pages (drop_caches 1). How many. */
uint64_t vm_machine_drop_caches(struct vm_machine *machine);
/*
 * swapoff(2): bring all of swap back into frames and use it no more. -EINVAL: it is off. -ENOMEM: no
 * room for all of it; -EIO: some of it cannot be read. Then swap goes on, and what was brought back
 * by then stays in frames.
 */
int vm_machine_swapoff(struct vm_machine *machine);

/* Knobs. -EINVAL for a value that is not allowed. */
int vm_machine_set_policy(struct vm_machine *machine, const char *name);
const char *vm_machine_policy(struct vm_machine *machine);

enum vm_knob {
	VM_KNOB_SWAPPINESS,        /* 0 to 200 */
	VM_KNOB_OVERCOMMIT_MEMORY, /* 0 to 2 */
	VM_KNOB_OVERCOMMIT_RATIO,  /* percent */
	VM_KNOB_MAX_MAP_COUNT,
	VM_KNOB_MMAP_MIN_ADDR,
	VM_KNOB_DIRTY_WRITEBACK_CENTISECS,
	VM_KNOB_OOM_KILL,  /* 0 or 1 */
	VM_KNOB_SEGV_KILL, /* 0 or 1 */
};
int vm_machine_set_knob(struct vm_machine *machine, enum vm_knob knob, uint64_t value);
uint64_t vm_machine_knob(struct vm_machine *machine, enum vm_knob knob);

/* --- For tests -------------------------------------------------------------------------------- */

/*
 * Check every invariant of the machine while nothing runs in it: areas, page tables against areas,
 * reverse maps, users, objects and files, counters, free lists. NULL, or a sentence that says what
 * is wrong (free with g_free).
 */
char *vm_machine_check(struct vm_machine *machine);

/* Drop every page-table entry of clean file pages: must be invisible to every process. */
void vm_machine_drop_entries(struct vm_machine *machine);

#endif
