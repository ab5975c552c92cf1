/*
 * vm.h - the interface of the engine: the only header of vm/ that fs/ includes.
 *
 * The life of a machine
 *
 *     vm_config_init, vm_machine_new          frames, page cache, no process yet
 *       vm_process_spawn, vm_exec, vm_fork    processes; each pointer is a reference
 *         vm_mmap, vm_munmap, ...             change the areas of a process
 *         vm_read, vm_write, vm_access        accesses, through page tables and faults
 *         vm_process_areas, _entries, ...     look at them and change nothing
 *       vm_process_exit, vm_process_unref
 *     vm_machine_sync, vm_machine_free        write dirty shared pages to their files
 *
 * A program may have many machines; they share nothing.
 *
 * Every function may be called from any thread. A callback must not call a function of this header,
 * because locks may be held; only vm_opener.open may, for which no lock is held. A function that
 * does not say otherwise returns 0 or a negative errno. The comments list every errno. -ESRCH
 * always means that the process has ended.
 *
 * Locks, always taken in this order:
 *
 *   1. process->lock   reader-writer. Reading: accesses, looking. Writing: whatever changes areas,
 *                      descriptors or limits, and fork. A thread never holds two of them. Not held
 *                      while a page is read from a host file or swap, or written there.
 *   2. machine->lock   one mutex: page-table entries, frames, objects' caches, counters, the table
 *                      of processes. Never held across input or output.
 *
 * Addresses are 64-bit numbers of the simulated process. Lengths and offsets are bytes. PROT_,
 * MAP_, MREMAP_, MS_, MADV_ and MCL_ constants are the host's.
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

/* The first address past user space: 2^47 minus a guard page (TASK_SIZE_MAX of x86-64). */
#define VM_USER_END UINT64_C(0x7ffffffff000)

/*
 * Whether bits 47 to 63 of VA are all equal. An access to any other address raises a general
 * protection fault, not a page fault.
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
 * How pages are read from a host file or the swap file, and written there. No lock is held, and
 * several threads may call the functions of one medium at a time. A transfer may be short: it is
 * continued. A transfer that answers -EINTR is repeated, a hundred times at most.
 */
struct vm_medium_ops {
	/* Read up to LEN bytes at OFFSET. Returns their number (0: end) or a negative errno. */
	ssize_t (*read)(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset);
	/*
	 * Write up to LEN bytes at OFFSET. Returns their number or a negative errno. INSIDE: write
	 * only what lies before the present end of the medium; returns 0 if nothing does.
	 */
	ssize_t (*write)(const struct vm_medium *medium, const void *buf, size_t len,
	                 uint64_t offset, bool inside);
	/* Make what was written last through a crash of the host, as fdatasync(2). 0, -EIO, ... */
	int (*sync)(const struct vm_medium *medium);
	/* Release what the medium has. Nobody uses it any more. */
	void (*close)(const struct vm_medium *medium);
};

struct vm_medium {
	const struct vm_medium_ops *ops;
	int fd;    /* host descriptor */
	void *ctx; /* for the operations; the engine does not look at it */
};

/* A file of the host: pread, pwrite, fdatasync and close of FD. */
extern const struct vm_medium_ops vm_host_ops;

/* The medium of host descriptor FD, which its `close` closes. */
static inline struct vm_medium vm_host_medium(int fd)
{
	return (struct vm_medium){&vm_host_ops, fd, NULL};
}

/* --- The machine ------------------------------------------------------------------------------ */

/* The modes of vm.overcommit_memory. */
enum vm_overcommit { VM_OVERCOMMIT_GUESS, VM_OVERCOMMIT_ALWAYS, VM_OVERCOMMIT_NEVER };

/* The most entries of one TLB: sets x ways. */
#define VM_MAX_TLB 65536u

/*
 * What is bounded for all users together. Root and config.owner may have all of it. Any other user
 * may have half, and gets no more while three quarters of it are in use.
 */
enum vm_resource {
	VM_AREAS,     /* of all address spaces; each takes 160 bytes of the host's memory */
	VM_PROCESSES, /* alive at one time */
	VM_FDS,       /* open descriptors of all processes */
	/*
	 * host descriptors: one for each user, file, name and access mode, whatever refers to the
	 * file. Never more than RLIMIT_NOFILE, whatever this says
	 */
	VM_HANDLES,
	VM_NOTES, /* bytes of environments, fault records, TLBs, and tables of loaded processes */
	VM_SNAPSHOTS, /* bytes on the host's disk that processes were loaded from (vm_core.h) */
	VM_RESOURCES,
};

struct vm_config {
	/* bytes of frames for user pages, rounded down to pages: one page to 8 TiB */
	uint64_t ram;
	uint64_t max_tables;         /* page-table pages of all processes together: 16 to 2^22 */
	uint64_t max_map_count;      /* areas of one process, as vm.max_map_count */
	uint64_t mmap_min_addr;      /* as vm.mmap_min_addr */
	uint64_t most[VM_RESOURCES]; /* the bounds of enum vm_resource */
	uid_t owner;                 /* the user who runs the program */
	/* bytes of the swap file, rounded down to pages, at most 8 TiB; 0: no swap */
	uint64_t swap;
	/*
	 * the swap file, which the machine closes; without operations there is no swap. If
	 * vm_machine_new fails, it may have been closed or not
	 */
	struct vm_medium swap_medium;
	const char *policy; /* vm_policy_name */
	/* size of each process's TLB, at most VM_MAX_TLB entries in all; 0 turns it off */
	unsigned tlb_sets, tlb_ways;
	unsigned overcommit_memory; /* enum vm_overcommit */
	unsigned overcommit_ratio;  /* percent of RAM in CommitLimit */
	/*
	 * 0 to 200. 0: clean file pages are evicted before anything else. The rest matters for the
	 * policy "linux" only
	 */
	unsigned swappiness;
	/*
	 * frames that a process may hold: beyond them its own pages are replaced, those that it
	 * maps, also if others map them, too. 0: no bound
	 */
	uint64_t local_frames;
	/* when memory is used up: end the largest process, or else fail the access */
	bool oom_kill;
	/* fork copies page tables and takes RW from each entry, or else shares them */
	bool fork_copy;
	/* how host files are read and written, and the context of their media */
	const struct vm_medium_ops *file_ops;
	void *file_ctx;
	uint64_t dirty_writeback_centisecs; /* period of write-back in 1/100 s; 0 turns it off */
	/*
	 * 1 to 100: percent of RAM that pages of host files may be dirty in; but up to 64 pages may
	 * always be, as long as that is no more than half of RAM
	 */
	unsigned dirty_ratio;
	/*
	 * a descriptor of the host's /proc (util/proc.h), of which the machine makes a copy; -1:
	 * it opens /proc itself
	 */
	int proc;
	/*
	 * frames have no contents: nothing is cleared, copied, read or written, and swap needs no
	 * medium. Only vm_replay and calls that change areas of anonymous memory are of use then;
	 * all counts are as if there were contents
	 */
	bool no_contents;
	uint64_t seed; /* of random numbers (low 32 bits): aslr, "random" */
	/*
	 * ns since 1970 at which the machine's time starts, which then moves by vm_machine_tick
	 * only; -1: it is the host's time
	 */
	int64_t clock;
	pid_t first_pid; /* at least 1 */
	bool aslr;       /* randomise stack, mmap base and PIE base */
	bool segv_kill;  /* a fatal fault ends the process */
};

/*
 * Fill in the defaults: 256 MiB of RAM, no swap, policy "clock", no address-space randomisation,
 * the defaults of Linux for the knobs.
 */
void vm_config_init(struct vm_config *config);

/*
 * Make a machine. NULL with *ERROR set (G_FILE_ERROR): INVAL if a size, the first pid or the policy
 * in CONFIG is out of range; NOMEM, MFILE, AGAIN if the host has no memory, no descriptor or no
 * thread for it. The values that are also knobs are not checked.
 */
struct vm_machine *vm_machine_new(const struct vm_config *config, GError **error);

/*
 * End every process, write every dirty shared page to its file, and free MACHINE. The caller must
 * hold no reference to a process or a file of MACHINE any more, and no other thread may use it.
 *
 * Returns the number of pages that could not be written and are lost; a g_message names each of
 * their files.
 */
uint64_t vm_machine_free(struct vm_machine *machine);

/*
 * Write every page that is dirty now to its file (sync(2)), and wait for that. After an error it
 * continues with the other pages. Returns 0 or the first error (-EIO, -ENOSPC, -EFBIG, ...). If a
 * device can have no thread of its own, its pages are written in the calling thread.
 */
int vm_machine_sync(struct vm_machine *machine);

/*
 * If the machine has a clock of its own (vm_config), move it by VM_TICK_NS, and do what is due at
 * regular times: write dirty pages back, look at files of the host. It waits for these files. Else
 * do nothing: the time passes by itself.
 */
#define VM_TICK_NS INT64_C(10000000)
void vm_machine_tick(struct vm_machine *machine);
/* The same by NS, but nothing else is done. */
void vm_machine_pass(struct vm_machine *machine, int64_t ns);
/* ns since the machine's start, by its clock. No lock is taken. */
int64_t vm_machine_uptime(const struct vm_machine *machine);

/*
 * The lowest pid above PID of a process that lives or is a zombie, or 0: there is none. So the pids
 * of all processes, ascending, are
 *
 *     for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0;)
 */
pid_t vm_machine_next_pid(struct vm_machine *machine, pid_t pid);

struct vm_machine_info {
	uint64_t frames_total, frames_free; /* pages */
	/* physical page of the first table page; frames are 1 to tables_at - 1, 0 is reserved */
	uint64_t tables_at;
	/* pages in use by kind; file and shmem are the page cache */
	uint64_t frames_anon, frames_file, frames_shmem;
	/* of those of files, and of the others: how many the policy `linux` has in active lists */
	uint64_t active_file, active_anon;
	/* page-cache pages that some process maps */
	uint64_t frames_mapped;
	uint64_t frames_dirty, frames_writeback; /* page-cache pages */
	uint64_t tables;                         /* page-table pages in use */
	/* page-table pages that were ever in use: in physical memory they follow the frames */
	uint64_t tables_total;
	/* alive now; made since the start, by fork or spawn */
	uint64_t processes, forks;
	/* pages charged by overcommit accounting */
	uint64_t committed;
	/* from here to cow_reuses: since the start */
	uint64_t faults, major_faults;
	uint64_t zeroed;                             /* cleared frames handed out */
	uint64_t cow_copies, cow_reuses;             /* faults of these kinds */
	uint64_t swap_total, swap_used, swap_cached; /* pages */
	uint64_t swap_ins, swap_outs;                /* pages, since start */
	/*
	 * since the start: frames that the policy looked at; pages evicted, and pages written to be
	 * evicted that a process needed again meanwhile
	 */
	uint64_t scanned, reclaimed;
	uint64_t oom_kills;               /* processes ended because memory was used up */
	uint64_t locked;                  /* pages in locked areas */
	uint64_t commit_limit;            /* pages, as CommitLimit */
	uint64_t file_reads, file_writes; /* pages read from and written to host files */
	/* since the start: frames taken and put back; faults that had to make a frame free */
	uint64_t frames_taken, frames_put, stalls;
	uint64_t areas, descriptors; /* of all processes */
	uint64_t direct_map; /* pages of physical memory in the kernel's half, in huge pages */
	int64_t start;       /* when the machine started: CLOCK_REALTIME, ns */
	int64_t uptime;      /* ns since then */
	uint64_t seed;       /* of vm_config */
};

/* Fill in *INFO. All but the uptime are of one moment. */
void vm_machine_info(struct vm_machine *machine, struct vm_machine_info *info);

/* --- Host files ------------------------------------------------------------------------------- */

/*
 * Make an open file of MACHINE from the host descriptor FD, a regular file that was opened with
 * access mode ACCESS (O_RDONLY, O_WRONLY or O_RDWR) for the user OPENER. The engine owns FD from
 * now on, also on failure. It keeps only one descriptor for each user, file, name and access mode:
 * a thousand opens cost one.
 *
 * Returns a reference with *ERROR 0, or NULL with *ERROR a negative errno: -ENODEV (not a regular
 * file), -ETXTBSY (for writing, of a file that a process runs: get_write_access), -ENOMEM, -ENFILE
 * (OPENER or all users together would have too many, VM_HANDLES), those of fstat(2), and those of
 * readlink(2) in /proc/self/fd. Linux: alloc_empty_file.
 */
struct vm_file *vm_file_new(struct vm_machine *machine, int fd, int access, uid_t opener,
                            int *error);
struct vm_file *vm_file_ref(struct vm_file *file);
/*
 * Drop a reference. If it is the last one and FILE was opened for writing, write the dirty pages of
 * the host file.
 */
void vm_file_unref(struct vm_file *file);

/*
 * The present name of FILE as /proc/PID/maps shows it: an absolute path, with ` (deleted)` after an
 * unlink; "/dev/zero (deleted)" for shared anonymous memory; "" if the host does not say. Free with
 * g_free.
 */
char *vm_file_name(const struct vm_file *file);

/*
 * Special files are those that are not mapped: pipes, terminals, directories. The engine only keeps
 * references to them, in descriptors. RELEASE is called with the last reference, without a lock;
 * NAME returns what /proc/PID/fd shows, to be freed with g_free.
 */
struct vm_file_ops {
	void (*release)(void *ctx);
	char *(*name)(void *ctx);
};

/* What a special file takes of what is bounded, and whose it is. */
struct vm_charge {
	uid_t uid;
	enum vm_resource what;
	uint64_t units; /* 0: nothing */
};

/*
 * Make a special file around CTX, opened with ACCESS. As long as it is there, CHARGE is. A mapping
 * of it fails with -ENODEV. Returns a reference with *ERROR 0, or NULL with *ERROR -ENOMEM or
 * -ENFILE: then CTX is not released.
 */
struct vm_file *vm_file_new_special(struct vm_machine *machine, const struct vm_file_ops *ops,
                                    void *ctx, int access, const struct vm_charge *charge,
                                    int *error);
/* The context of FILE if it was made with OPS, else NULL. */
void *vm_file_special(const struct vm_file *file, const struct vm_file_ops *ops);

/* O_RDONLY, O_WRONLY or O_RDWR. */
int vm_file_access(const struct vm_file *file);
/* The status flags of FILE (O_APPEND, O_NONBLOCK, ...), which the engine only keeps. 0 at first. */
unsigned vm_file_flags(const struct vm_file *file);
void vm_file_set_flags(struct vm_file *file, unsigned flags);
/*
 * The offset of FILE, 0 at first: descriptors that were duplicated or inherited share it. It stays
 * the caller's alone until vm_file_seek_end stores a new one. A transfer may be made meanwhile, but
 * no other lock of the engine may be held when it begins. Linux: fdget_pos.
 */
uint64_t vm_file_seek_begin(struct vm_file *file);
void vm_file_seek_end(struct vm_file *file, uint64_t offset);
/* The offset, for those who only show it: a transfer that is under way may change it. */
uint64_t vm_file_offset(const struct vm_file *file);

/* The host descriptor of FILE, valid as long as the reference; -1: it is no host file. */
int vm_file_host(const struct vm_file *file);

/*
 * read(2) and write(2) of a host file, at OFFSET, coherent with the page cache: a read sees what
 * was stored to mappings of the file, and mappings show what was written. Return the number of
 * bytes, which is less than LEN at the end of the file, or where a part was written before an
 * error; or a negative errno: -EBADF (not opened for that), -EINVAL (no host file, or OFFSET + LEN
 * is too large), those of the medium. With APPEND, *OFFSET becomes the end of the file first. Calls
 * that write to one file wait for each other. Linux: generic_file_read_iter,
 * generic_file_write_iter.
 */
ssize_t vm_file_read(struct vm_file *file, void *buf, size_t len, uint64_t offset);
ssize_t vm_file_write(struct vm_file *file, const void *buf, size_t len, uint64_t *offset,
                      bool append);
/*
 * ftruncate(2). Pages behind a new end are unmapped and dropped. -EINVAL: no host file, not opened
 * for writing, or too large; an errno of ftruncate(2).
 */
int vm_file_truncate(struct vm_file *file, uint64_t size);
/*
 * fallocate(2) with MODE 0 or FALLOC_FL_KEEP_SIZE. -EBADF: not opened for writing; -EOPNOTSUPP:
 * another mode; an errno of fallocate(2).
 */
int vm_file_allocate(struct vm_file *file, int mode, uint64_t offset, uint64_t len);
/*
 * fsync(2): write the dirty pages of the host file, and make all that was written last. -EINVAL: no
 * host file; else the error of the medium, or one that was not reported yet.
 */
int vm_file_sync(struct vm_file *file);

/*
 * How exec opens the program and the host files that it finds by itself (an interpreter, a
 * library). OPEN gets a path, absolute or relative to the caller's working directory. It opens the
 * file for reading, with the caller's rights. EXECUTABLE: the caller must also have the right to
 * execute it, else the error is -EACCES. Returns a reference, or NULL with *error a negative errno.
 * No lock is held, so OPEN may call vm_file_new.
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
 * Make a process named NAME (cut to 15 bytes) that CRED owns. It has a stack of 132 KiB and an
 * empty heap at 0x555555556000, no descriptors and no parent. Returns a reference, or NULL with
 * *ERROR: -EAGAIN (too many processes, or no pid left), -ENOMEM, or -EPERM (vm.mmap_min_addr lies
 * above the stack, and CRED is not root).
 */
struct vm_process *vm_process_spawn(struct vm_machine *machine, const struct vm_cred *cred,
                                    const char *name, int *error);

/*
 * A reference to the process PID, which lives or is a zombie (vm_process_keep), or to the one that
 * has a thread PID (vm_core.h); or NULL.
 */
struct vm_process *vm_process_find(struct vm_machine *machine, pid_t pid);
struct vm_process *vm_process_ref(struct vm_process *process);
/* Drop a reference. The process itself lives on until it exits. */
void vm_process_unref(struct vm_process *process);
/* Its pid, also after its end. */
pid_t vm_process_pid(const struct vm_process *process);

/* The owner of the process. */
struct vm_cred vm_process_cred(const struct vm_process *process);

/* Set its name, cut to 15 bytes: a write to /proc/PID/comm. -ESRCH. */
int vm_process_set_comm(struct vm_process *process, const char *name);

/*
 * Set process group and session, as setpgid(2) and setsid(2) do. The caller has decided that it may
 * be.
 */
void vm_process_set_group(struct vm_process *process, pid_t group, pid_t session);

/*
 * Who dies when memory is used up (knob oom_kill): the process with the most points. They are its
 * pages in frames and in swap and its page tables, plus ADJ thousandths of all memory and swap.
 * With -1000 it is spared. fork copies ADJ, exec keeps it. Linux: oom_score_adj, oom_badness.
 *
 * -EINVAL: ADJ is not from -1000 to 1000; -EACCES: ADJ is lower than ever set by root, and the
 * caller is not PRIVILEGED; -ESRCH.
 */
int vm_process_set_oom_adj(struct vm_process *process, int adj, bool privileged);
/* Its points in thousandths of all memory, moved and scaled as /proc/PID/oom_score. 0 if ended. */
unsigned long vm_process_oom_score(struct vm_process *process);

/*
 * Which areas a core file of the process has: MMF_DUMP_ bits as in /proc/PID/coredump_filter, of
 * which 9 count. 0x33 at first; fork copies them. -ESRCH.
 */
int vm_process_set_dump_filter(struct vm_process *process, unsigned filter);

/*
 * Its working directory is called CWD, which the engine only keeps and fork copies. Without memory
 * for it (VM_NOTES) there is none, as at first.
 */
void vm_process_set_cwd(struct vm_process *process, const char *cwd);
/* NULL: none, or it has ended. Free with g_free. */
char *vm_process_cwd(struct vm_process *process);

/* Whether the process has not ended. Once it has, its calls return -ESRCH. */
bool vm_process_alive(struct vm_process *process);
/* Whether it has its pid: it has not ended, or is a zombie. */
bool vm_process_listed(struct vm_process *process);

/*
 * fork(2): a copy of PROCESS that CRED owns. Returns a reference, or NULL with *ERROR: -EAGAIN (too
 * many processes or descriptors, or no pid left), -ENOMEM (memory, page tables, areas, overcommit)
 * or -ESRCH.
 */
struct vm_process *vm_fork(struct vm_process *process, const struct vm_cred *cred, int *error);

/*
 * _exit(2): free the areas, page tables and descriptors. Files that no area maps any more have
 * their dirty pages written. The pid is free on return, unless the process is kept. Only then
 * somebody hears of STATUS, of which 8 bits count. -ESRCH.
 */
int vm_process_exit(struct vm_process *process, int status);

/*
 * From now on PROCESS is one for whose status somebody waits: at its end it becomes a zombie, which
 * has nothing but its pid, its name and its counters, until vm_process_release. -ESRCH.
 */
int vm_process_keep(struct vm_process *process);
/* The pid of the zombie PROCESS is free. Nothing, if it is none. Linux: release_task. */
void vm_process_release(struct vm_process *process);

/*
 * Called when the kept PROCESS has become a zombie, for whatever reason. STATUS is that of
 * wait4(2). No lock is held, and it may call functions of this header.
 */
typedef void (*vm_exit_fn)(void *ctx, struct vm_process *process, int status);
/* FN with CTX hears of all kept processes of MACHINE; NULL: nobody does. */
void vm_machine_on_exit(struct vm_machine *machine, vm_exit_fn fn, void *ctx);

/*
 * kill(2). SIGNAL 0 only tests whether the process lives. SIGCHLD, SIGCONT, SIGURG and SIGWINCH do
 * nothing, because they are ignored by default. Any other signal ends the process; there are no
 * stopped processes, so SIGSTOP does, too. To a zombie nothing happens. -EINVAL: no such signal;
 * -ESRCH.
 */
int vm_process_kill(struct vm_process *process, int signal);

struct vm_exec_args {
	const char *path;        /* the program, as the caller wrote it */
	const char *const *argv; /* NULL-terminated, at least argv[0] */
	/* NULL-terminated; NULL: the process's environment (vm_process_setenv) */
	const char *const *envp;
	struct vm_opener opener;
	bool kernel_only; /* map only what the kernel maps: no libraries, no heap */
	/*
	 * If not NULL: set on return. After a failure that is the fault of another file than PATH,
	 * the interpreter of a script or of the program, *BLAMED is the path of that; free with
	 * g_free. Else NULL.
	 */
	char **blamed;
};

/*
 * execve(2). Unless KERNEL_ONLY, it also maps the libraries that glibc's ld.so would map, and
 * malloc's first heap. If the program has another loader it is as with KERNEL_ONLY. Descriptors
 * stay open, except those of vm_process_set_cloexec. Stores the program's entry point (AT_ENTRY) in
 * *ENTRY, which may be any number: the file says it. The old address space is replaced only when
 * the new one is complete: on failure PROCESS is as before.
 *
 * The program, scripts and interpreters cannot be opened for writing while this lasts, and the
 * program (of a script: its interpreter) cannot as long as a process runs it.
 *
 * -ENOEXEC: a file is malformed; -ELIBBAD: the program's interpreter is no ELF file for this
 * machine; -EIO: it is shorter than a header, or PT_INTERP lies outside the file; -EACCES: one is
 * on a noexec mount; -ETXTBSY: one is open for writing in this machine (what the host has open does
 * not count); -E2BIG: too many or too long strings; -ELOOP: too many #! lines; -EIO or another
 * error of reading a file; -ENOMEM; -ESRCH; and
 * what args->opener answers (-ENOENT, -EACCES, ...).
 */
int vm_exec(struct vm_process *process, const struct vm_exec_args *args, uint64_t *entry);

/*
 * The same in a new process of CRED, which comes to be when all has succeeded: a failure uses up no
 * pid. Returns a reference, or NULL with *ERROR set, as by vm_exec and vm_process_spawn.
 */
struct vm_process *vm_exec_new(struct vm_machine *machine, const struct vm_cred *cred,
                               const struct vm_exec_args *args, uint64_t *entry, int *error);

/*
 * setenv(3) in the environment that the next exec passes on. VALUE NULL: remove NAME (unsetenv(3)).
 * -EINVAL: NAME is empty or contains a '='; -ENOMEM: the environment would be larger than 128 KiB,
 * its user has too much (VM_NOTES), or there is no memory; -ESRCH.
 */
int vm_process_setenv(struct vm_process *process, const char *name, const char *value);

/* --- Processes: limits ------------------------------------------------------------------------ */

#define VM_UNLIMITED UINT64_MAX

/*
 * The limits of setrlimit(2) on memory, in bytes, and on descriptors. fork copies them and exec
 * keeps them. Without limit at first, except for a soft STACK limit of 8 MiB, MEMLOCK, 8 MiB soft
 * and hard, and NOFILE, VM_MAX_FDS.
 */
enum vm_limit {
	VM_LIMIT_AS,
	VM_LIMIT_STACK,
	VM_LIMIT_DATA,
	VM_LIMIT_MEMLOCK,
	VM_LIMIT_CORE,
	VM_LIMIT_NOFILE, /* number of the first descriptor that cannot be opened */
	VM_LIMITS
};

/*
 * setrlimit(2), SOFT and HARD in bytes or VM_UNLIMITED. -EINVAL: SOFT is above HARD; -EPERM: HARD
 * would rise, and the process is not root's, or would rise above VM_MAX_FDS; -ESRCH.
 */
int vm_process_set_limit(struct vm_process *process, enum vm_limit limit, uint64_t soft,
                         uint64_t hard);
/* getrlimit(2), also after the end of the process. */
void vm_process_limit(struct vm_process *process, enum vm_limit limit, uint64_t *soft,
                      uint64_t *hard);

/* --- Processes: descriptors ------------------------------------------------------------------- */

/* The most descriptors of a process. */
#define VM_MAX_FDS 1024

/*
 * Make the lowest free descriptor refer to FILE, as open(2) does, and return it. Takes a reference
 * of its own. -EMFILE: the NOFILE limit; -ENFILE: its user or all users together have too many
 * (VM_FDS); -ENOMEM; -ESRCH. Linux: alloc_fd, alloc_empty_file.
 */
int vm_process_open(struct vm_process *process, struct vm_file *file);
/*
 * The same for the lowest free descriptor that is at least MIN. CLOEXEC: a successful vm_exec
 * closes it. -EINVAL: MIN is not below the NOFILE limit. Linux: f_dupfd.
 */
int vm_process_open_from(struct vm_process *process, struct vm_file *file, int min, bool cloexec);
/*
 * Make descriptor FD refer to FILE; what it referred to is closed (dup3(2)). -EBADF: FD is not
 * below VM_MAX_FDS; -ENFILE, -ENOMEM, -ESRCH. Returns FD.
 */
int vm_process_open_at(struct vm_process *process, struct vm_file *file, int fd, bool cloexec);
/* Whether vm_exec closes FD (FD_CLOEXEC): 1 or 0. -EBADF. */
int vm_process_cloexec(struct vm_process *process, int fd);
/* Set that. 0, -EBADF. */
int vm_process_set_cloexec(struct vm_process *process, int fd, bool cloexec);
/* close(2). -EBADF, -ESRCH. */
int vm_process_close(struct vm_process *process, int fd);
/* A reference to the file that FD refers to. NULL: FD is not open. */
struct vm_file *vm_process_file(struct vm_process *process, int fd);

/* --- Processes: calls that change areas ------------------------------------------------------- */

/*
 * mmap(2), with FILE in place of a descriptor; NULL is the descriptor -1. Takes a reference of its
 * own. OFFSET in bytes. Returns the address, or a negative errno; the checks come in Linux's order
 * (ksys_mmap_pgoff, do_mmap, mmap_region):
 *
 * -EINVAL (length 0, unaligned, MAP_HUGETLB, a wrong type of mapping), -EBADF (no FILE), -ENOMEM
 * (no place, a limit, overcommit, max_map_count), -EEXIST (MAP_FIXED_NOREPLACE), -EPERM (below
 * mmap_min_addr, or locked with a MEMLOCK limit of 0, which root may; or PROT_EXEC of a FILE on a
 * noexec mount), -EAGAIN (more locked than the limit allows), -EACCES (FILE is not open for that),
 * -ENODEV (the file system of FILE cannot map its files, as sysfs), -EOVERFLOW, -EOPNOTSUPP
 * (MAP_SHARED_VALIDATE with unknown flags), -ESRCH.
 */
int64_t vm_mmap(struct vm_process *process, uint64_t addr, uint64_t len, int prot, int flags,
                struct vm_file *file, uint64_t offset);
/*
 * munmap(2). -EINVAL: unaligned, length 0, not all in user space; -ENOMEM: too many areas, or no
 * memory; -ESRCH.
 */
int vm_munmap(struct vm_process *process, uint64_t addr, uint64_t len);
/*
 * mprotect(2); PROT may include PROT_GROWSDOWN. As in Linux (do_mprotect_pkey), areas before the
 * first failure are changed. -EINVAL (unaligned, unknown bits, PROT_GROWSDOWN without a stack),
 * -ENOMEM (a hole, a limit, overcommit, max_map_count), -EACCES (the file is not open for that, or
 * PROT_EXEC and it is on a noexec mount), -ESRCH.
 */
int vm_mprotect(struct vm_process *process, uint64_t addr, uint64_t len, int prot);
/*
 * mremap(2). Returns the new address, or -EINVAL, -EFAULT (nothing is mapped there), -ENOMEM,
 * -EAGAIN (more locked than the limit allows), -EPERM (NEW_ADDR is below mmap_min_addr, and the
 * process is not root's), -ESRCH.
 */
int64_t vm_mremap(struct vm_process *process, uint64_t addr, uint64_t old_len, uint64_t new_len,
                  int flags, uint64_t new_addr);
/*
 * mlock(2), or mlock2(2) with FLAGS MLOCK_ONFAULT; munlock(2); mlockall(2) with MCL_CURRENT,
 * MCL_FUTURE, MCL_ONFAULT; munlockall(2). Locked pages are never evicted. As in Linux, areas before
 * the first failure are changed.
 *
 * -EINVAL: unknown flags, or the range wraps around; -EPERM: the process is not root's, and its
 * MEMLOCK limit is 0; -ENOMEM: a hole, more than the MEMLOCK limit, too many areas, or a page that
 * cannot be brought in; -EAGAIN: no memory to bring a page in; -ESRCH. vm_munlock answers only
 * -EINVAL, -ENOMEM and -ESRCH, vm_mlockall no -EAGAIN, and vm_munlockall only -ESRCH.
 */
int vm_mlock(struct vm_process *process, uint64_t addr, uint64_t len, int flags);
int vm_munlock(struct vm_process *process, uint64_t addr, uint64_t len);
int vm_mlockall(struct vm_process *process, int flags);
int vm_munlockall(struct vm_process *process);
/*
 * The brk system call. Returns the new break; that is the old one if the call was refused, as it is
 * for ADDR 0. Negative only for -ESRCH.
 */
int64_t vm_brk(struct vm_process *process, uint64_t addr);
/* sbrk(3): move the break by INCREMENT bytes. Returns the old break, or -ENOMEM, -ESRCH. */
int64_t vm_sbrk(struct vm_process *process, int64_t increment);
/*
 * msync(2). -EINVAL (unaligned, unknown or contradicting flags), -EBUSY (MS_INVALIDATE of a locked
 * area), -ENOMEM (a hole; the rest is done), -ESRCH. With MS_SYNC also the error of a write-back
 * that failed, now or since the last msync.
 */
int vm_msync(struct vm_process *process, uint64_t addr, uint64_t len, int flags);

/*
 * madvise(2) with one of the MADV_ constants; the checks come in Linux's order (do_madvise).
 * -EINVAL (unaligned, unknown advice, an area that the advice is not for), -ENOMEM (a hole, but the
 * rest is done; no memory), -EAGAIN (too many areas), -EACCES (MADV_REMOVE of memory that is not
 * shared and writable), -EFAULT (MADV_POPULATE_...: a page cannot be brought in), -ESRCH, and for
 * MADV_REMOVE of a host file those of fallocate(2).
 */
int vm_madvise(struct vm_process *process, uint64_t addr, uint64_t len, int advice);
/*
 * mincore(2): VEC gets 0 or 1 for each page of [ADDR, ADDR+LEN), LEN rounded up to pages. -EINVAL:
 * unaligned; -ENOMEM: a hole (VEC is filled up to there), or not all in user space (VEC is not
 * changed); -ESRCH.
 */
int vm_mincore(struct vm_process *process, uint64_t addr, uint64_t len, uint8_t *vec);

/* --- Why a call failed ------------------------------------------------------------------------ */

/*
 * What an errno alone does not say. In parentheses: what `asked`, `used` and `limit` mean in a
 * struct vm_reason; bytes, unless it says otherwise. What is not listed is 0.
 */
enum vm_why {
	VM_WHY_UNKNOWN, /* the errno says it all, or nobody has noted more */
	VM_WHY_AS,      /* RLIMIT_AS (asked, used, limit: may_expand_vm) */
	VM_WHY_DATA,    /* RLIMIT_DATA (asked, used, limit) */
	/* RLIMIT_STACK (asked: how long the stack would be; used: how much it would grow; limit) */
	VM_WHY_STACK,
	/* the stack would be too close to the area below (asked: its end; used: as above) */
	VM_WHY_STACK_GAP,
	VM_WHY_MEMLOCK,      /* RLIMIT_MEMLOCK (asked, used, limit) */
	VM_WHY_MEMLOCK_ZERO, /* RLIMIT_MEMLOCK is 0, and the process is not root's */
	VM_WHY_COMMIT_ONE,   /* overcommit mode 0 (asked, limit: RAM and swap) */
	VM_WHY_COMMIT_ALL,   /* overcommit mode 2 (asked, used: Committed_AS, limit: CommitLimit) */
	VM_WHY_AREAS,        /* max_map_count (used, limit: areas) */
	VM_WHY_PLACE,        /* no range of the address space is free (asked) */
	VM_WHY_TABLES,       /* page-table pages of the machine (limit: pages) */
	VM_WHY_FRAMES,       /* no frame can be made free (used: bytes locked, limit: of RAM) */
	VM_WHY_HOST,         /* the host has no memory */
	/* processes of all users (asked: how many the user has, used, limit: VM_PROCESSES) */
	VM_WHY_PROCESSES,
	/* areas of all users (asked: how many the user has, used, limit: VM_AREAS) */
	VM_WHY_ALL_AREAS,
	VM_WHY_HOLE,       /* nothing is mapped there (asked: address) */
	VM_WHY_IN_THE_WAY, /* something is mapped where the area would grow (asked: address) */
	VM_WHY_SEVERAL,    /* the old range is more than one area (asked: where the first ends) */
	VM_WHY_BREAK_LOW,  /* the break would lie below the heap (asked, limit: addresses) */
	VM_WHY_MIN_ADDR,   /* vm.mmap_min_addr (asked, limit: addresses) */
	VM_WHY_NOEXEC,     /* the file is on a noexec mount */
	VM_WHY_NO_WRITE,   /* a shared mapping of a file that was opened for reading only */
	VM_WHY_FILE_END,   /* past the end of the file (asked: offset of the page, limit: size) */
	VM_WHY_FILE_READ,  /* the file could not be read (used: the host's errno) */
	VM_WHY_SWAP_READ,  /* swap could not be read (used: the host's errno, 0: it is short) */
	VM_WHY_DIRTY,      /* too many dirty pages, none can be written (used: the host's errno) */
	VM_WHY_NO_PAGE,    /* an area of the kernel that has no pages, [vvar] */
	/* snapshots of processes of the host (asked, used, limit: VM_SNAPSHOTS) */
	VM_WHY_SNAPSHOTS,
	VM_WHY_CORE_NOT_ELF, /* it is no ELF file */
	VM_WHY_CORE_TYPE,    /* an ELF file, but no core file (used: e_type) */
	VM_WHY_CORE_MACHINE, /* of another machine (asked: 32 or 64 bits, used: e_machine) */
	VM_WHY_CORE_BROKEN,  /* its headers make no sense */
	VM_WHY_CORE_EMPTY,   /* it has no memory in user space */
};

struct vm_reason {
	enum vm_why why;
	int error; /* the negative errno that it explains */
	uint64_t asked, used, limit;
};

/*
 * Why a call of this thread failed. It is noted where the failure is decided, and stays until the
 * next failure or until vm_reason_clear. So: clear it, make the call, and if that fails with ERROR,
 * ask. Returns whether a reason for ERROR (negative) was noted since; only then *REASON holds it.
 */
void vm_reason_clear(void);
bool vm_reason(int error, struct vm_reason *reason);

/* --- Accesses and faults ---------------------------------------------------------------------- */

/*
 * Long work of this thread is wanted only as long as FN (NULL: always) answers false. Calls ask
 * between two pieces of a long range, and give up with -EINTR: vm_access, vm_mmap and vm_brk, which
 * then leave the rest of a locked or populated range as it is, vm_mlock, vm_mlockall, vm_madvise.
 * vm_interrupted asks.
 */
typedef bool (*vm_interrupt_fn)(void *ctx);
void vm_interrupt(vm_interrupt_fn fn, void *ctx);
bool vm_interrupted(void);

/* The most bytes of one vm_read or vm_write. */
#define VM_MAX_TRANSFER ((size_t)1 << 20)

/* NONE: only in a record of a page that went without an access. */
enum vm_access { VM_ACCESS_READ, VM_ACCESS_WRITE, VM_ACCESS_EXEC, VM_ACCESS_NONE };

/*
 * How an access ended: without a fault; with one that needed no input; with one for which a page
 * was read; not at all. The last is no access: pages went.
 */
enum vm_outcome { VM_HIT, VM_MINOR, VM_MAJOR, VM_FATAL, VM_EVICT };

enum vm_fault_kind {
	VM_FAULT_NONE,          /* a hit */
	VM_FAULT_ZERO_PAGE,     /* read of untouched anonymous memory: the zero page was mapped */
	VM_FAULT_DEMAND_ZERO,   /* first write to anonymous memory: a cleared frame was mapped */
	VM_FAULT_FILE_READ,     /* major: a page was read from its host file */
	VM_FAULT_PAGE_CACHE,    /* minor: the page was in the cache */
	VM_FAULT_COW_COPY,      /* write to a private page that others use, too: it was copied */
	VM_FAULT_COW_REUSE,     /* write to a private page that nobody else uses any more */
	VM_FAULT_WRITE_NOTIFY,  /* first write to a clean shared page */
	VM_FAULT_SWAP_IN,       /* major: a page was read from swap */
	VM_FAULT_SWAP_CACHE,    /* minor: the page had a slot, but was in a frame */
	VM_FAULT_STACK_GROW,    /* the stack grew; `then` says what followed */
	VM_FAULT_TABLE_UNSHARE, /* only page tables that a fork shared had to be copied */
	/* fatal: */
	VM_FAULT_SEGV_MAPERR, /* no area, or a guard page */
	VM_FAULT_SEGV_ACCERR, /* the area does not permit the access */
	/* past the end of the file, the page cannot be read, or too many cannot be written */
	VM_FAULT_SIGBUS,
	VM_FAULT_OOM, /* no memory */
	/* evict: */
	VM_FAULT_SWAP_OUT,   /* the page was written to swap */
	VM_FAULT_WRITE_BACK, /* a dirty page of a file: it was written there */
	VM_FAULT_DROP,       /* a clean page: it can be read again */
	VM_FAULT_LAZY_FREE,  /* given up with MADV_FREE */
	VM_FAULT_LOST, /* stores to a deleted file that could not be written, and nobody can see */
	VM_FAULT_KINDS
};

/* The names that PID/faults shows: "minor", ..., "cow-copy", ... Static strings. */
const char *vm_outcome_name(enum vm_outcome outcome);
const char *vm_fault_kind_name(enum vm_fault_kind kind);

/* In place of a frame number: none. */
#define VM_NO_FRAME UINT64_MAX

/*
 * Who has a page, or needs one: a process, with the address at which it does. Or, of a page that no
 * process maps, the file.
 */
struct vm_party {
	bool there;
	pid_t pid;            /* 0: exec, fork or spawn builds an address space; or no process */
	struct vm_cred owner; /* of the process; of a page that no process maps, the daemon's */
	uint64_t va;
	const char *file; /* without a process: the name, or NULL; as struct vm_fault's */
	uint64_t offset;  /* of the page in that file, bytes */
};

/*
 * One access that faulted, or pages that went (VM_EVICT). Only vm_access also reports accesses that
 * hit.
 */
struct vm_fault {
	uint64_t seq; /* number of the record, counted from 1 for each machine; 0: a hit */
	int64_t time; /* ns since the machine's start */
	pid_t pid;    /* 0: exec, fork or spawn built an address space, or no process had it */
	/* of the process; without one, of the daemon: only it and root may know the file */
	struct vm_cred owner;
	enum vm_access access;
	enum vm_outcome outcome;
	enum vm_fault_kind kind;
	enum vm_fault_kind then; /* what followed a stack-grow, else VM_FAULT_NONE */
	/* page tables, shared since a fork, that were copied for this fault */
	unsigned tables_copied;
	uint64_t va;                   /* the address accessed, or that of the page that went */
	uint64_t area_start, area_end; /* its area; both 0 if there is none */
	char area_perm[5];             /* "rw-p" */
	uint64_t frame;                /* the frame now mapped, or that became free; VM_NO_FRAME */
	uint64_t from;                 /* the frame that was copied, or VM_NO_FRAME */
	uint64_t slot;                 /* the swap slot that held the page, or VM_NO_FRAME */
	/* whose page had to go for this fault, the last one; of VM_EVICT: whose fault needs it */
	struct vm_party other;
	uint64_t users; /* VM_EVICT: how many times the page was mapped */
	bool tlb;       /* a hit: the translation was in the TLB */
	/* name of the mapped file, or NULL; valid during the callback */
	const char *file;
	uint64_t offset; /* of the page in that file, bytes */
	uint64_t pages;  /* VM_FAULT_LOST: how many, of which the first lay at OFFSET; else 0 */
};

/* Gets *FAULT, which is valid during the call. */
typedef void (*vm_fault_fn)(void *ctx, const struct vm_fault *fault);

/*
 * Gets what was read, in order, as COUNT pieces of memory that are valid during the call. Called
 * once and without locks, but not if nothing could be read.
 */
typedef void (*vm_sink_fn)(void *ctx, const struct iovec *iov, int count);

/*
 * PROCESS reads LEN bytes (1 to VM_MAX_TRANSFER) at VA. SINK gets the frames themselves, pinned; if
 * the machine has few frames, it gets a copy.
 *
 * Returns the number of bytes read, which is less than LEN if a later page cannot be read. If the
 * first page cannot be read: -EFAULT (no area, or VA is not below VM_USER_END), -EACCES
 * (protection), -EIO (SIGBUS), -ENOMEM, -ESRCH. After any of the first three, knob segv_kill ends
 * the process.
 */
ssize_t vm_read(struct vm_process *process, uint64_t va, size_t len, vm_sink_fn sink, void *ctx);
/*
 * PROCESS writes the LEN bytes (1 to VM_MAX_TRANSFER) of BUF at VA. Results as vm_read. The bytes
 * before the first page that faults are written at once; a fork may come before the others.
 */
ssize_t vm_write(struct vm_process *process, uint64_t va, const void *buf, size_t len);
/*
 * As vm_read into BUF, and as vm_write, with LEN bytes that lie in one page. FN gets the outcome of
 * the access as from vm_access: a hit, or the last fault that it took, also a fatal one. Not called
 * with -ESRCH.
 */
ssize_t vm_load(struct vm_process *process, uint64_t va, void *buf, size_t len, vm_fault_fn fn,
                void *ctx);
ssize_t vm_store(struct vm_process *process, uint64_t va, const void *buf, size_t len,
                 vm_fault_fn fn, void *ctx);

/*
 * Make one access of kind ACCESS to each page of [VA, VA+LEN), in order, without data. LEN is at
 * least 1. FN, unless NULL, gets the outcome of each access, also of the fatal one. Stops at the
 * first fatal fault and returns its errno, with the same meaning and consequences as in vm_read.
 * Else 0. -ESRCH.
 */
int vm_access(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access,
              vm_fault_fn fn, void *ctx);

/* Where the bytes of a page are. */
enum vm_place {
	VM_PLACE_NONE,      /* no area */
	VM_PLACE_FRAME,     /* in a frame, number `place_number` */
	VM_PLACE_SLOT,      /* in the swap slot of that number */
	VM_PLACE_FILE,      /* in the host file, and no entry of the process points to it */
	VM_PLACE_ZERO,      /* the zero page is mapped */
	VM_PLACE_UNTOUCHED, /* nowhere: anonymous memory that nobody has touched */
	VM_PLACE_GUARD,     /* a guard page */
	VM_PLACE_NOWHERE,   /* past the end of the file, or [vvar]: an access is SIGBUS */
};

struct vm_translation {
	uint64_t entry[4]; /* the entries of the walk, from the PGD down */
	uint64_t at[4];    /* the physical address of each */
	int levels;        /* how many there are, 1 to 4 */
	bool present;      /* user space may read the page; PA is valid */
	uint64_t pa;       /* physical address */
	/* what a read would be now: VM_HIT, or the outcome of its fault ... */
	enum vm_outcome outcome;
	enum vm_fault_kind kind; /* ... and the kind of that fault */
	enum vm_place place;
	uint64_t place_number; /* VM_PLACE_FRAME, VM_PLACE_SLOT */
};

/* Fill in what a read at VA would find. Changes nothing. -ESRCH. */
int vm_translate(struct vm_process *process, uint64_t va, struct vm_translation *translation);

/*
 * Copy up to LEN bytes of memory at VA to BUF, without an access and whatever the area's rights.
 * Pages that are not mapped read as zeros. Stops at the end of the area. Returns the number of
 * bytes; 0 if there is no area or the process has ended.
 */
size_t vm_peek(struct vm_process *process, uint64_t va, void *buf, size_t len);

/*
 * Copy up to LEN bytes of memory at VA to BUF for somebody who looks at the process: what is in
 * swap is brought in. Only readable private anonymous memory is copied, so no host file is read.
 * The faults count for the machine, and not for the process; a fatal one is no signal.
 *
 * Returns how many bytes were copied, less than LEN where memory is of another kind, or cannot be
 * had. It may wait, because a page may have to go. Linux: access_remote_vm with FOLL_ANON.
 */
size_t vm_look(struct vm_process *process, uint64_t va, void *buf, size_t len);

/* --- Replay ----------------------------------------------------------------------------------- */

/* One reference of a trace. */
struct vm_reference {
	uint64_t va;
	uint32_t len; /* bytes, at least 1; it may lie in two or more pages */
	enum vm_access access;
};

/* What replayed references have done to a process, since it began or was last reset. */
struct vm_replay_counts {
	uint64_t references;         /* that were made in full */
	uint64_t pages;              /* accesses to a page: hits, minor and major */
	uint64_t hits, minor, major; /* of these: without a fault, with one */
	uint64_t evicted_clean,
	    evicted_dirty; /* pages that went for the faults: stored to or not */
	uint64_t tlb_hits, tlb_misses;
	uint64_t passed_over; /* lines of traces that were no references (vm_process_pass_over) */
};

/*
 * Let PROCESS make COUNT accesses, one after the other, as vm_access would make them; but the locks
 * are taken once for many of them, and a reference to addresses in no area makes one there: shared
 * anonymous memory with the rights that are asked for, so that each first touch takes a frame.
 *
 * Returns how many references were made. Fewer than COUNT: the one after them failed, and *ERROR is
 * the errno of vm_access, negative, -EINVAL (it ends above VM_USER_END, or its length is 0),
 * -ENOMEM (no area could be made). Its pages before the one that failed were accessed, and are
 * counted as such. -EINTR (vm_interrupt): the one after them has not begun, so the call may go on
 * with it later; or, if none was made, it touches thousands of pages and was left half done.
 */
size_t vm_replay(struct vm_process *process, const struct vm_reference *references, size_t count,
                 int *error);

void vm_process_replay_counts(struct vm_process *process, struct vm_replay_counts *counts);

/* Who reads a trace for PROCESS has passed over LINES more lines: count them. */
void vm_process_pass_over(struct vm_process *process, uint64_t lines);

/*
 * Set the replay counts, the fault counts and the TLB of PROCESS to 0 and drop its pages, in frames
 * and in swap, as far as nobody else has them: what comes then starts empty. Its areas stay, the
 * ones that replay made included. Of host files only clean pages go. If the machine then holds no
 * page at all, its policy starts anew.
 *
 * 0, -ESRCH, or -ENOMEM: no memory, or no table page for tables that a fork shares; then not all
 * pages are dropped, and the counts stay.
 */
int vm_process_reset(struct vm_process *process);

/* --- Names of addresses ----------------------------------------------------------------------- */

/* Whether NAME is the last part of PATH, the name of a mapped file; ` (deleted)` does not count. */
bool vm_name_is(const char *path, const char *name);

enum vm_symbols { VM_SYMBOLS_ALL, VM_SYMBOLS_PROGRAM, VM_SYMBOLS_LIBRARIES };

/*
 * Find the ELF symbol NAME and store its address in *VA: WHERE is the program that the process
 * runs, or all other files that it maps, by address, or first the one and then the others. FILE,
 * unless NULL, is the last part of the name of the only file to look at. .symtab is looked at, or
 * .dynsym if there is none. The files are read as they were opened to be mapped. -ENOENT: no such
 * symbol, or not within the work that one search may do; -ESRCH.
 */
int vm_process_symbol(struct vm_process *process, enum vm_symbols where, const char *file,
                      const char *name, uint64_t *va);

/*
 * The name of the ELF symbol that VA belongs to, with the symbol's address in *START. NULL: it
 * belongs to none, or the process has ended. Free with g_free.
 */
char *vm_process_symbol_at(struct vm_process *process, uint64_t va, uint64_t *start);

/* --- Looking ---------------------------------------------------------------------------------- */

struct vm_area_info {
	uint64_t start, end;
	char perm[5];    /* "rwxp" */
	uint64_t offset; /* bytes in the file */
	dev_t dev;
	ino_t ino; /* 0 without a file */
	/* path, "[heap]", "[stack]", ... or NULL; valid during the callback */
	const char *name;
	int access; /* how the file was opened: O_RDONLY, O_WRONLY or O_RDWR; 0 without a file */
};

/*
 * Walks over areas, entries, frames and objects call a function for each, which returns whether to
 * go on. A walk that was given up can be continued later: it begins at FROM, 0 for all.
 */
typedef bool (*vm_area_fn)(void *ctx, const struct vm_area_info *area);
/*
 * Call FN for each area that ends above the address FROM, by address, with the process locked for
 * reading. -ESRCH.
 */
int vm_process_areas(struct vm_process *process, uint64_t from, vm_area_fn fn, void *ctx);

/*
 * The next address at or after VA that has data (HOLE false) or has none (HOLE true), like lseek(2)
 * with SEEK_DATA and SEEK_HOLE. Areas that a process can access are data, except for the kernel's
 * clock page. Without a hole in between, the next hole is at VM_USER_END. -ENXIO: VA is not below
 * VM_USER_END, or no data follows; -ESRCH.
 */
int64_t vm_process_seek(struct vm_process *process, uint64_t va, bool hole);

/* What an area has in memory: the fields of /proc/PID/smaps. */
struct vm_area_usage {
	struct vm_area_info area;
	/* bytes */
	uint64_t rss, shared_clean, shared_dirty, private_clean, private_dirty;
	uint64_t referenced, anonymous, lazy_free, swap, locked;
	/*
	 * proportional shares, in bytes x 4096 so that sums of small shares stay exact (PSS_SHIFT)
	 */
	uint64_t pss, pss_dirty, pss_anon, pss_file, pss_shmem, pss_locked, swap_pss;
	uint64_t most_users; /* of the page that is mapped most often */
	char vm_flags[80];   /* "rd wr mr mw me ac": two letters and a blank each, as VmFlags */
};

typedef bool (*vm_usage_fn)(void *ctx, const struct vm_area_usage *usage);
/* As vm_process_areas. */
int vm_process_usage(struct vm_process *process, uint64_t from, vm_usage_fn fn, void *ctx);

/*
 * Fill WORDS with the words of /proc/PID/pagemap for COUNT pages, from page number FIRST (VA >> 12)
 * on. A word is 0 past the end of user space. -ESRCH. The bits:
 *
 *     0-54    present: the frame number
 *     0-4     swapped: the swap type, 0; 5-54: the swap slot
 *     55      soft-dirty
 *     56      mapped by this process only
 *     58      a guard page; bit 62 is set, too, and the swap type is 31
 *     61      a page of a file, or shared anonymous memory
 *     62      swapped
 *     63      present
 */
int vm_process_pagemap(struct vm_process *process, uint64_t first, size_t count, uint64_t *words);

/*
 * For COUNT physical pages from number PFN on: how often each is mapped (/proc/kpagecount; 0 if it
 * is no frame), and its KPF_ flags (/proc/kpageflags).
 */
void vm_machine_page_counts(struct vm_machine *machine, uint64_t pfn, size_t count,
                            uint64_t *words);
void vm_machine_page_flags(struct vm_machine *machine, uint64_t pfn, size_t count, uint64_t *words);

/*
 * A write of WHAT to /proc/PID/clear_refs (clear_refs_write). 1 clears the accessed bits of all
 * pages, 2 of those in areas without a file, 3 of those in areas of files and shared anonymous
 * memory. 4 clears the soft-dirty bits. 5 sets VmHWM to the present resident size. -EINVAL: another
 * number; -ENOMEM: no page table left, and some areas may be done; -ESRCH.
 */
int vm_process_clear_refs(struct vm_process *process, int what);

struct vm_tlb_info {
	unsigned sets, ways; /* 0: no TLB is simulated */
	/* since it was made; a flush of one entry and one of the whole TLB both count as 1 */
	uint64_t hits, misses, flushes;
};

struct vm_tlb_entry {
	unsigned set, way;
	uint64_t va, pfn;
	bool writable, executable, dirty;
};

typedef void (*vm_tlb_fn)(void *ctx, const struct vm_tlb_entry *entry);
/*
 * Fill in *INFO, and call FN (unless NULL) for each valid entry of the process's TLB, by set and
 * way, as it was at one moment.
 */
void vm_process_tlb(struct vm_process *process, struct vm_tlb_info *info, vm_tlb_fn fn, void *ctx);

enum vm_level { VM_PTE, VM_PMD, VM_PUD, VM_PGD };

enum vm_entry_kind { VM_ENTRY_TABLE, VM_ENTRY_PAGE, VM_ENTRY_HUGE, VM_ENTRY_SWAP, VM_ENTRY_GUARD };

struct vm_entry_info {
	uint64_t va; /* the lowest address that it translates; canonical */
	enum vm_level level;
	unsigned index; /* 0 to 511 */
	enum vm_entry_kind kind;
	uint64_t raw; /* in x86-64's encoding, with the software bits of pte.h */
	/* frame number of the page or table; the slot for VM_ENTRY_SWAP; 0 for VM_ENTRY_GUARD */
	uint64_t pfn;
	uint64_t users; /* processes that reach the table, or that map the page or hold the slot */
	/* what it allows user mode, PROT_ bits; and what it and all entries above it allow */
	int rights, effective;
	bool zero; /* the zero page */
	bool cow;  /* the area allows writes, and a write would copy the page */
};

/* The place of ENTRY in the order in which vm_process_entries shows them. */
static inline uint64_t vm_entry_place(const struct vm_entry_info *entry)
{
	return entry->va | (uint64_t)(VM_PGD - entry->level);
}

typedef bool (*vm_entry_fn)(void *ctx, const struct vm_entry_info *entry);
/*
 * Call FN for each entry in use of the four-level page table, by address, parents first, from the
 * place FROM on (vm_entry_place), with the process locked for reading. Entries may change
 * meanwhile. -ESRCH.
 */
int vm_process_entries(struct vm_process *process, uint64_t from, vm_entry_fn fn, void *ctx);

/*
 * Call FN for the last faults of the process (up to 512), the oldest first. Also after its end. For
 * lack of memory it may report none.
 */
void vm_process_faults(struct vm_process *process, vm_fault_fn fn, void *ctx);

/*
 * From now on call FN for every fault of MACHINE, and when pages are lost (VM_FAULT_LOST), under
 * the machine's lock: FN must be quick. NULL ends it. There is one FN; a new one replaces it. A
 * record with kind VM_FAULT_OOM, outcome VM_FATAL and va 0 means that process PID is ended because
 * memory is used up (knob oom_kill).
 */
void vm_machine_watch(struct vm_machine *machine, vm_fault_fn fn, void *ctx);

/* Where the parts of a program are, and its registers: fields of Linux's mm_struct and pt_regs. */
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
	uint64_t tables;                             /* page-table pages, as VmPTE */
	uint64_t areas;
	uint64_t cr3; /* physical address of the top-level table */
	struct vm_layout layout;
	uint64_t minor_faults, major_faults;             /* of this process */
	uint64_t evicted;                                /* its pages that went to make room */
	uint64_t last_record; /* seq of the last of vm_process_faults; 0: none */
	uint64_t child_minor_faults, child_major_faults; /* of its children that have ended */
	/* of the last fatal fault: SIGSEGV or SIGBUS, and si_code (SEGV_MAPERR, ...); else 0 */
	int last_signal, last_code;
	uint64_t last_address; /* of that fault */
	/* process group and session: its own, or its parent's at the fork */
	pid_t group, session;
	int oom_adj;          /* vm_process_set_oom_adj */
	unsigned dump_filter; /* vm_process_set_dump_filter */
	unsigned fds;         /* open descriptors */
	unsigned threads;     /* 1, unless the process was loaded (vm_core.h) */
	bool kernel_only;     /* exec mapped only what the kernel maps (vm_exec_args) */
	bool zombie;          /* it has ended, and is kept (vm_process_keep) */
};

/*
 * Fill in *INFO. After the process's end its identity, faults and last signal remain; what it had
 * (sizes, layout, descriptors) is 0.
 */
void vm_process_info(struct vm_process *process, struct vm_process_info *info);

/*
 * The same, but only what can be told without waiting for a call that changes the process: its
 * identity, faults and last signal, and pages resident, in swap and of tables. The rest is 0.
 */
void vm_process_summary(struct vm_process *process, struct vm_process_info *info);

/*
 * The present name of the running program's file (vm_file_name). NULL before an exec or after the
 * end. Free with g_free.
 */
char *vm_process_exe(struct vm_process *process);

/*
 * A copy of the auxiliary vector that exec put on the stack: *LEN bytes, pairs of key and value.
 * Free with g_free. NULL, with *LEN 0, before an exec or after the end.
 */
uint64_t *vm_process_auxv(struct vm_process *process, size_t *len);

enum vm_frame_kind { VM_FRAME_ANON, VM_FRAME_FILE, VM_FRAME_SHMEM, VM_FRAME_FREE };

/* A frame in use, or a run of free ones: then only pfn, last and kind are set. */
struct vm_frame_info {
	uint64_t pfn, last; /* the first and the last of the run; equal for a frame in use */
	enum vm_frame_kind kind;
	uint64_t users; /* number of times that it is mapped */
	unsigned pins;  /* transfers that use it now */
	bool dirty, writeback;
	uint64_t object;      /* number of its object; 0: private anonymous */
	uint64_t index;       /* page in the object; without meaning for private anonymous pages */
	pid_t pid;            /* a process that maps it, or 0 */
	struct vm_cred owner; /* of that process */
	uint64_t va;          /* where that process maps it */
};

/*
 * Copy LEN bytes of physical memory from ADDRESS on to BUF: frames of RAM, then page tables. What
 * lies behind tables_at + tables_total pages is 0. It changes nothing.
 */
void vm_machine_physical(struct vm_machine *machine, uint64_t address, size_t len, void *buf);

typedef bool (*vm_frame_fn)(void *ctx, const struct vm_frame_info *frame);
/*
 * Call FN for each frame in use and each run of free frames, from number FROM on, without locks.
 * Frames may change meanwhile.
 */
void vm_machine_frames(struct vm_machine *machine, uint64_t from, vm_frame_fn fn, void *ctx);

/* A page that can be replaced. */
struct vm_queue_info {
	uint64_t position;    /* in the queue, from 1 */
	uint64_t place;       /* for vm_machine_queue, to go on after this page */
	uint64_t pfn;         /* VM_NO_FRAME: a ghost, a page that is away but is remembered */
	pid_t pid;            /* a process that maps it, or 0 */
	struct vm_cred owner; /* of that process */
	uint64_t va;          /* where that process maps it */
	bool referenced;      /* used since the policy looked at it; only if it has such a bit */
	bool dirty;           /* it must be written before its frame can be used */
	bool locked;          /* mlock(2): it cannot go */
	bool pinned;          /* in use at this moment: it cannot go now */
	const char *list;     /* of the policy; a static string */
};

typedef bool (*vm_queue_fn)(void *ctx, const struct vm_queue_info *page);
/*
 * Call FN for each page in a frame, in the order in which the policy would take them, after the
 * place FROM (0: all), without locks. The order may change meanwhile. A policy that chooses at
 * random shows them in the order of loading. A policy with several lists shows one after another,
 * that from which it would take a page now first, and its ghosts last. 0, or -ENOMEM.
 */
int vm_machine_queue(struct vm_machine *machine, uint64_t from, vm_queue_fn fn, void *ctx);

struct vm_object_info {
	uint64_t number; /* from 1, never used again */
	bool shmem;      /* shared anonymous memory; else a host file */
	dev_t dev;
	ino_t ino;
	uint64_t size;         /* bytes */
	uint64_t areas;        /* number of areas that map it */
	uint64_t pages, dirty; /* pages in the page cache, and those of them that are dirty */
	const char *name;      /* path, or "/dev/zero (deleted)"; valid during the callback */
};

typedef bool (*vm_object_fn)(void *ctx, const struct vm_object_info *object);
/*
 * Call FN for each object, from number FROM on, the oldest first, without locks. Objects may come
 * and go meanwhile.
 */
void vm_machine_objects(struct vm_machine *machine, uint64_t from, vm_object_fn fn, void *ctx);

/* --- Memory pressure -------------------------------------------------------------------------- */

/*
 * Evict up to PAGES pages, chosen by the policy. Returns how many were evicted. A page that was
 * written to swap or its file, but was needed again meanwhile and stays, counts, too.
 */
uint64_t vm_machine_reclaim(struct vm_machine *machine, uint64_t pages);
/*
 * Drop all clean pages of host files that are not locked or in use by a transfer (drop_caches 1).
 * Unlike Linux, also pages that are mapped. Returns how many.
 */
uint64_t vm_machine_drop_caches(struct vm_machine *machine);
/*
 * swapoff(2): bring all of swap back into frames, and use swap no more. -EINVAL: there is no swap,
 * or it is off; -ENOMEM: not enough frames for all of it; -EIO: some of it cannot be read. After
 * -ENOMEM or -EIO swap is on again. Pages that were brought back by then stay in frames.
 */
int vm_machine_swapoff(struct vm_machine *machine);

/*
 * Set the page-replacement policy. -EINVAL: no such policy;
 * -ENOMEM: no memory for its state, and the policy before stays.
 */
int vm_machine_set_policy(struct vm_machine *machine, const char *name);
/* The name of the policy. A static string. */
const char *vm_machine_policy(struct vm_machine *machine);
/* Whether it has a hand, which stands before the first page of the queue. */
bool vm_machine_policy_has_hand(struct vm_machine *machine);

/* The name of policy number INDEX, from 0, and what it does, in a sentence. NULL after the last. */
const char *vm_policy_name(unsigned index);
const char *vm_policy_about(unsigned index);
/* The names of all policies, joined with commas. Free with g_free. */
char *vm_policy_names(void);

/* Values of struct vm_config that can be changed at run time: sys/vm/. */
enum vm_knob {
	VM_KNOB_SWAPPINESS,                /* 0 to 200 */
	VM_KNOB_OVERCOMMIT_MEMORY,         /* 0 to 2 */
	VM_KNOB_OVERCOMMIT_RATIO,          /* percent, 0 to INT_MAX */
	VM_KNOB_MAX_MAP_COUNT,             /* areas, 0 to INT_MAX */
	VM_KNOB_MMAP_MIN_ADDR,             /* 0 to VM_USER_END */
	VM_KNOB_DIRTY_WRITEBACK_CENTISECS, /* 1/100 s, 0 to INT_MAX; 0 turns it off */
	VM_KNOB_DIRTY_RATIO,               /* percent, 1 to 100 */
	VM_KNOB_OOM_KILL,                  /* 0 or 1 */
	VM_KNOB_SEGV_KILL,                 /* 0 or 1 */
	VM_KNOB_FORK_COPY,                 /* 0 or 1 */
	VM_KNOB_LOCAL_FRAMES,              /* frames; 0: no bound */
};
/* Set KNOB to VALUE. -EINVAL: out of range. */
int vm_machine_set_knob(struct vm_machine *machine, enum vm_knob knob, uint64_t value);
uint64_t vm_machine_knob(struct vm_machine *machine, enum vm_knob knob);

/* --- For tests -------------------------------------------------------------------------------- */

/*
 * Check every invariant of the machine: areas, page tables against areas, reverse maps, users,
 * objects and files, counters, free lists. No other thread may use the machine meanwhile. Returns
 * NULL, or a sentence that says what is wrong; free with g_free.
 */
char *vm_machine_check(struct vm_machine *machine);

/* Empty every page-table entry that maps a clean page of a host file. No process may notice it. */
void vm_machine_drop_entries(struct vm_machine *machine);

#endif
