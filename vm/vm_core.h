/*
 * vm_core.h - the third part of the engine's interface: core files, out of a process and into one.
 *
 *     vm_core_new               the layout of a core file of a process
 *       vm_core_read, _seek     its bytes, made as they are asked for
 *     vm_core_free
 *
 *     vm_image_init             what a process is to be: areas, where their bytes are, threads
 *       vm_core_parse           ... from a core file
 *       vm_image_add_...        ... or from anywhere else
 *       vm_process_load         the process
 *     vm_image_clear
 *
 * No lock is held by callers. A function that does not say otherwise returns 0 or a negative errno.
 */
#ifndef VM_VM_CORE_H
#define VM_VM_CORE_H

#include "util/array.h"
#include "vm/vm.h"
#include "vm/vm_cpu.h"

/* --- Threads ---------------------------------------------------------------------------------- */

enum { VM_FPU_LEN = 512 }; /* bytes of struct user_fpregs_struct: what FXSAVE stores */

/* A thread that does not run: its number, registers and floating-point unit. */
struct vm_thread {
	pid_t tid;
	/*
	 * the number that it had where it was loaded from, which its own memory knows: a core shows
	 * that one. 0: TID
	 */
	pid_t lwp;
	struct vm_regs regs;
	uint8_t fpu[VM_FPU_LEN];
};

/*
 * The lowest number above AFTER of a thread of PROCESS, or 0. A process that was not loaded has
 * one thread, with its own pid.
 */
pid_t vm_process_next_thread(struct vm_process *process, pid_t after);

/*
 * Thread INDEX, from 0, of a process that was loaded. False: it has no such thread, was not loaded
 * or has ended.
 */
bool vm_process_thread(struct vm_process *process, unsigned index, struct vm_thread *thread);

/* --- Out -------------------------------------------------------------------------------------- */

/* Bits of a filter, which says what is in a core file: those of /proc/PID/coredump_filter. */
enum {
	VM_CORE_ANON_PRIVATE = 1 << 0,
	VM_CORE_ANON_SHARED = 1 << 1,
	VM_CORE_MAPPED_PRIVATE = 1 << 2,
	VM_CORE_MAPPED_SHARED = 1 << 3,
	VM_CORE_ELF_HEADERS = 1 << 4,
	VM_CORE_HUGETLB_PRIVATE = 1 << 5,
	VM_CORE_DEFAULT = 0x33,
};

/* The layout of a core file: all but the bytes of memory. It does not change. */
struct vm_core;

/*
 * The layout of a core file of PROCESS as it is now, with the areas that FILTER says. MAIN holds
 * the registers of its first thread; the others are those of vm_process_thread. What is copied of a
 * file that only has its ELF header dumped is found without reading the file: whether the process
 * executes it, or its first page is in memory. The arguments of the process are read, which may be
 * in a host file that hangs; MAIN NULL: they are not, because only the size is wanted. NULL with
 * *ERROR -ENOMEM or -ESRCH. Linux: elf_core_dump, vma_dump_size.
 */
struct vm_core *vm_core_new(struct vm_process *process, unsigned filter,
                            const struct vm_thread *main, int *error);
void vm_core_free(struct vm_core *core);

/* The length of the file, and how much of the daemon's memory CORE takes; bytes. */
uint64_t vm_core_size(const struct vm_core *core);
size_t vm_core_memory(const struct vm_core *core);
/* How much of the daemon's memory the layout of a core of PROCESS takes about, bytes. */
size_t vm_core_estimate(struct vm_process *process);

/*
 * Copy bytes of the file, LEN from OFFSET on, to BUF. Returns how many, which is less than LEN only
 * at the end. Memory is read as it is now, without an access: what is in swap or in files stays
 * there. What PROCESS does not have any more, and what cannot be read, is 0.
 */
size_t vm_core_read(const struct vm_core *core, struct vm_process *process, void *buf, size_t len,
                    uint64_t offset);

/*
 * The next offset at or after OFFSET that has data (HOLE: that is in a hole), as lseek(2) with
 * SEEK_DATA and SEEK_HOLE. Memory that nobody has touched is a hole, and so is the end of the file.
 * -ENXIO.
 */
int64_t vm_core_seek(const struct vm_core *core, struct vm_process *process, uint64_t offset,
                     bool hole);

/* --- In --------------------------------------------------------------------------------------- */

/* The bytes [START, END) of a process are those of the source from OFFSET on. */
struct vm_image_piece {
	uint64_t start, end, offset;
};

/* An area that a process is to have. */
struct vm_image_area {
	uint64_t start, end; /* multiples of the page size */
	int prot;
	bool shared;     /* maps shows it as shared; it is private all the same */
	char *name;      /* what maps shows: a path, "[heap]", or NULL. Freed with the image */
	uint64_t offset; /* in the file NAME, bytes */
	dev_t dev;       /* of that file; both 0: not known */
	ino_t ino;
	/* it is mapped from OFFSET on, and what the source has does not count: a reference; or NULL */
	struct vm_file *file;
	bool untouched; /* anonymous memory that nobody touched: what the source has does not count */
};

/* What a process is to be. Everything belongs to the image. */
struct vm_image {
	struct vm_file *source; /* a reference: the file with the bytes */
	struct array pieces;    /* struct vm_image_piece, in any order */
	struct array areas;     /* struct vm_image_area, in any order */
	struct array threads;   /* struct vm_thread without numbers, the first one first */
	char comm[16];
	uint64_t auxv[64]; /* pairs of key and value */
	unsigned auxv_len; /* elements in use */
	struct vm_layout layout;
	struct vm_file *exe; /* the program, a reference, or NULL */
	int signal, code;    /* the last fatal fault, or 0 */
	uint64_t address;
	uint64_t reserved; /* vm_image_reserve */
};

/* An image without anything, whose bytes are in SOURCE, to which it takes a reference. */
void vm_image_init(struct vm_image *image, struct vm_file *source);
void vm_image_clear(struct vm_image *image);
/*
 * The source takes BYTES of the host's disk, which nobody else has: charge them to who opened it,
 * until the process does not need them any more (VM_SNAPSHOTS). -ENOMEM.
 */
int vm_image_reserve(struct vm_image *image, uint64_t bytes);
/* An element more, cleared. NULL: no memory. */
struct vm_image_piece *vm_image_add_piece(struct vm_image *image);
struct vm_image_area *vm_image_add_area(struct vm_image *image);
struct vm_thread *vm_image_add_thread(struct vm_image *image);

/*
 * Fill IMAGE, which vm_image_init has set up, from the core file that is its source. Files that it
 * names are opened by OPENER (may be NULL: none is), and mapped if they have the build id that the
 * core has. The bytes may be hostile: work and memory are bounded.
 *
 * -ENOEXEC: it is not a core file of x86-64; the reason is noted (vm_reason). -ENOMEM; -EINTR
 * (vm_interrupt); an error of reading the file. Clear IMAGE in any case.
 */
int vm_core_parse(struct vm_image *image, const struct vm_opener *opener);

/*
 * Make a process of IMAGE that CRED owns, named image->comm. Its areas map the source privately,
 * so that bytes are read when they are touched. An access to what the source does not have is
 * SIGBUS. Where areas or pieces overlap, the one with the lower start counts. Areas that do not lie
 * in user space are left out.
 *
 * Returns a reference, or NULL with *ERROR -ENOEXEC (no area is left), -EAGAIN (too many processes,
 * or no pid left), -ENFILE or -ENOMEM.
 */
struct vm_process *vm_process_load(struct vm_machine *machine, const struct vm_cred *cred,
                                   struct vm_image *image, int *error);

#endif
