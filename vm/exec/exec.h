/*
 * exec.h - what the files of vm/exec/ share. Only they include it.
 *
 *     exec.c                 vm_exec: finds the program, calls the files below in Linux's order,
 *                            and gives the process its new address space
 *     identity.c             the ids that a setuid program gets
 *     common.c               what several of them need
 *     args.c                 argument and environment strings, their limits, and #! lines
 *     image.c                maps the program and its interpreter
 *     stack.c                maps the stack and fills it
 *     vdso.c                 maps [vvar] and [vdso]
 *     library.c              maps the libraries that ld.so would map
 *     library_map.c          maps one library
 *     library_path.c         searches for a library as ld.so would
 *     library_text.c         reads and maps files of /etc
 *     ldcache.c              reads /etc/ld.so.cache
 *     ldheap.c               maps the pages that ld.so would allocate meanwhile
 *     processor.c            the host's processor, as ld.so sees it
 *     elf.c, elf_dynamic.c   read ELF files
 *
 * The new address space is built in a builder (vm/calls/builder.h), where no other thread can find
 * it. So callers hold no lock. The lock of the process that execs is taken only to read its strings
 * and limits, and at the end to give it the new address space. The machine lock is taken only to
 * draw random numbers. The builder's calls take their locks themselves.
 *
 * A function that returns int and does not say otherwise returns 0 or a negative errno. When a step
 * fails, the builder may hold a part of its work. That does no harm: vm_exec gives the builder up,
 * and the process keeps its old address space.
 */
#ifndef VM_EXEC_EXEC_H
#define VM_EXEC_EXEC_H

#include "vm/calls/builder.h"
#include "vm/exec/elf.h"
#include "vm/internal.h"

/* --- args.c ------------------------------------------------------------------------------ */

/* Bytes at the start of a file that are searched for a #! line: BINPRM_BUF_SIZE. */
enum { SCRIPT_HEAD = 256 };

struct exec_strings {
	char *filename;          /* the path as the caller wrote it: AT_EXECFN */
	struct array argv, envp; /* of char *, without a NULL at the end; argv has at least one */
	uint64_t size, limit;    /* bytes of all strings, with their NULs; the most allowed */
};

/*
 * Copy the path, argv and envp of ARGS to *STRINGS. If ARGS has no envp, copy the environment of
 * PROCESS. An empty argv becomes one empty string. Takes the process lock for reading. Linux:
 * bprm_stack_limits, copy_strings. *STRINGS must be cleared also after an error.
 *
 * -E2BIG: a string has more than 128 KiB with its NUL; or all strings and the pointers to them have
 * more than a quarter of the soft STACK limit (but 128 KiB are always allowed, and never more than
 * 6 MiB). -ENOMEM. -ESRCH: PROCESS has ended.
 */
int exec_strings_init(struct exec_strings *strings, const struct vm_exec_args *args,
                      struct vm_process *process);
void exec_strings_clear(struct exec_strings *strings);

/* What the first line of a script says: the interpreter, and an argument for it (NULL: none). */
struct script {
	char *interpreter, *argument;
};

/*
 * Parse the #! line in HEAD, the first bytes of a file, filled up with NULs. Linux: load_script.
 * -ENOEXEC: it is not a script, it names no interpreter, or the name does not end within HEAD; then
 * *SCRIPT is empty.
 */
int script_parse(const char head[static SCRIPT_HEAD], struct script *script);
void script_clear(struct script *script);

/*
 * Replace argv[0] by the interpreter, its argument (if any) and PATH, the path of the script.
 * Linux: load_script. -E2BIG: as exec_strings_init; -ENOMEM; then argv is incomplete.
 */
int exec_strings_interpret(struct exec_strings *strings, const struct script *script,
                           const char *path);

/* --- common.c --------------------------------------------------------------------------------- */

/* An ELF file that is to be mapped. All zero: none. */
struct exec_image {
	struct vm_file *file; /* a reference */
	struct elf_file elf;  /* its headers */
	uint64_t bias;        /* address in memory minus address in the file; set when mapped */
};

/* An exec under way. It belongs to one thread. */
struct exec {
	const struct vm_exec_args *args;
	struct vm_machine *machine;
	struct builder builder; /* builds the new address space */
	struct vm_cred cred;
	struct exec_strings strings;
	/* interpreter.file is NULL if the program has no PT_INTERP */
	struct exec_image program, interpreter;
	/* the same files, kept from being written until the exec ends; or NULL */
	struct vm_file *program_file, *interpreter_file;
	char *interpreter_path; /* as in PT_INTERP, or NULL */
	/*
	 * the file at fault if the exec fails now, unless that is the one that the caller asked
	 * for: the interpreter of a script or of the program; or NULL
	 */
	char *blamed;
	bool kernel_only; /* map only what the kernel maps */
	/* the effective ids that the program is told, and whether they give it more than its user
	 * has: AT_SECURE */
	uid_t euid;
	gid_t egid;
	bool secure;
	uint64_t stack_limit; /* soft STACK limit, bytes, as Linux counts it in an exec */
	uint64_t stack_top;   /* first address past the stack */
	uint64_t vdso;        /* address of [vdso]; 0: not mapped */
};

/* PATH is at fault if the exec fails now. */
void exec_blame(struct exec *exec, const char *path);

/*
 * A random number from 0 to BOUND - 1, or 0 if the machine does not randomise addresses. BOUND is
 * at least 1. Takes the machine lock.
 */
uint64_t exec_random(const struct exec *exec, uint64_t bound);

/*
 * Read the ELF headers of FILE into *IMAGE, which takes a reference to FILE. *IMAGE must be cleared
 * also after an error. Reads the host file, so no lock may be held. -ENOEXEC: not a valid program
 * or shared object (elf_open); -ENOMEM; or an error of reading the file.
 */
int exec_image_open(struct exec_image *image, struct vm_file *file);
void exec_image_clear(struct exec_image *image);

/*
 * A source that reads from FILE. It takes no reference. Its size is that of the host file now, or 0
 * if fstat fails.
 */
struct elf_source exec_source(struct vm_file *file);

/*
 * Store LEN bytes at VA in the new address space, as the program would. -ENOEXEC: VA is not mapped
 * or not writable, because an image lies there or the stack cannot grow so far; -EIO: the page
 * cannot be read from its file; -ENOMEM. After an error some of the bytes may have been stored.
 */
int exec_store(struct exec *exec, uint64_t va, const void *bytes, size_t len);

/* --- identity.c --------------------------------------------------------------------------- */

/*
 * Set euid, egid and secure for the program, whose file is open. Linux: bprm_fill_uid,
 * cap_bprm_creds_from_file. The process keeps its own ids: what the program may do is up to these.
 */
void exec_find_identity(struct exec *exec);

/* --- image.c ----------------------------------------------------------------------------- */

/*
 * Map the program and its interpreter, if it has one. Sets their bias, and in the layout of the
 * space the bounds of code and data, the break and the program counter. Linux: load_elf_binary.
 * -ENOEXEC: the files ask for a mapping that is not possible; -ENOMEM, -EIO.
 */
int exec_map_images(struct exec *exec);

/* The address of the program's entry point (AT_ENTRY), once it is mapped. */
uint64_t exec_entry(const struct exec *exec);

/* --- stack.c ----------------------------------------------------------------------------- */

/*
 * Choose where the stack ends and where the search for free addresses starts (mmap_base). Map the
 * stack and store the strings at its top. Linux: setup_arg_pages, arch_pick_mmap_layout. -ENOMEM;
 * -EPERM: vm.mmap_min_addr lies above the stack, and the process is not root's.
 */
int exec_map_stack(struct exec *exec);

/*
 * Store argc, the pointers to the strings and the auxiliary vector on the stack, and set the stack
 * pointer. The images and the vdso must be mapped before. Linux: create_elf_tables. -ENOEXEC,
 * -ENOMEM, -EIO: as exec_store.
 */
int exec_fill_stack(struct exec *exec);

/* --- vdso.c ----------------------------------------------------------------------------------- */

/*
 * Map [vvar] and [vdso], as large as the host has them for the daemon. Maps nothing if the machine
 * has no vdso. Linux: map_vdso. -ENOMEM.
 */
int exec_map_vdso(struct exec *exec);

/* --- library.c -------------------------------------------------------------------------------- */

/*
 * Map the libraries that ld.so would map. Does nothing if the program has no interpreter. A library
 * that cannot be found, or that ld.so would refuse, is left out. The interpreter must be glibc's
 * ld.so (exec_find_loader). -ENOMEM; -ENOEXEC: the program or
 * its interpreter has changed meanwhile; or an error of reading a file or of mapping it.
 */
int exec_map_libraries(struct exec *exec);

/*
 * Set exec->kernel_only: so it is asked for, or the interpreter is not the ld.so of glibc. What
 * another loader would map is not known. -ENOMEM.
 */
int exec_find_loader(struct exec *exec);

#endif
