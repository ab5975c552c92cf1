/*
 * exec.h - the rooms of exec, seen by each other and by nobody else.
 *
 *     exec.c          vm_exec: finds the program, calls the rooms below in Linux's order, hands the new space over
 *     args.c     argument and environment strings, their limits, and #! lines
 *     image.c    maps the program and its interpreter
 *     stack.c    the stack area, and what stands on it
 *     vdso.c          [vvar] and [vdso]
 *     library.c       maps the libraries that ld.so would
 *     library_path.c  where it would look for them
 *     ldcache.c       /etc/ld.so.cache
 *     ldheap.c        the pages that ld.so would allocate meanwhile
 *     elf.c, elf_dynamic.c   what the files say
 *
 * The new address space grows in a builder. So nothing here needs a lock except to read the old
 * process's environment and limits, and to draw the machine's random numbers. Every function returns
 * 0 or a negative errno.
 */
#ifndef VM_EXEC_EXEC_H
#define VM_EXEC_EXEC_H

#include "vm/calls/builder.h"
#include "vm/exec/elf.h"
#include "vm/internal.h"

/* --- args.c ------------------------------------------------------------------------------ */

enum { SCRIPT_HEAD = 256 }; /* bytes of a file that are searched for a #! line: BINPRM_BUF_SIZE */

struct exec_strings {
	char *filename;         /* as the caller gave it: AT_EXECFN */
	GPtrArray *argv, *envp; /* of char *, without a final NULL */
	uint64_t size, limit;   /* bytes of all strings with their NULs; what they may be */
};

/*
 * Copy the strings of ARGS, or PROCESS's environment where it has none. -E2BIG, -ESRCH. Clear in
 * any case.
 */
int exec_strings_init(struct exec_strings *strings, const struct vm_exec_args *args,
                      struct vm_process *process);
void exec_strings_clear(struct exec_strings *strings);

/*
 * The interpreter and its optional argument (NULL: none) on a script's first line. Free both with
 * g_free.
 */
struct script {
	char *interpreter, *argument;
};

/*
 * Parse HEAD, the file's start, filled up with NULs. -ENOEXEC: not a script, or no (whole) name in
 * it.
 */
int script_parse(const char head[static SCRIPT_HEAD], struct script *script);
void script_clear(struct script *script);

/* Replace argv[0] by the interpreter, its argument, and PATH, the script's. -E2BIG. */
int exec_strings_interpret(struct exec_strings *strings, const struct script *script,
                           const char *path);

/* --- exec.c ----------------------------------------------------------------------------------- */

/* A file that is mapped: its headers and where it lies. */
struct exec_image {
	struct vm_file *file;
	struct elf_file elf;
	uint64_t bias; /* what is added to the file's addresses */
};

struct exec {
	const struct vm_exec_args *args;
	struct vm_machine *machine;
	struct builder builder; /* where the new address space grows */
	struct vm_cred cred;
	struct exec_strings strings;
	/* interpreter.file is NULL where the program names none */
	struct exec_image program, interpreter;
	char *interpreter_path;
	uint64_t stack_top; /* first address past the stack */
	uint64_t vdso;      /* address of [vdso], or 0 */
};

/* A random number below BOUND, 0 unless the machine randomises addresses. */
uint64_t exec_random(const struct exec *exec, uint64_t bound);

/* Open PATH as exec does and read its headers into IMAGE. */
int exec_image_open(struct exec_image *image, struct vm_file *file);
void exec_image_clear(struct exec_image *image);

/* Reads FILE for an elf_source. Its size is the present one. */
struct elf_source exec_source(struct vm_file *file);

/*
 * Store LEN bytes at VA. -ENOEXEC: something of the file lies in the way. After an error some of the
 * bytes may have been stored: the address space is given up then.
 */
int exec_store(struct exec *exec, uint64_t va, const void *bytes, size_t len);

/* --- image.c ----------------------------------------------------------------------------- */

/* Map the program and the interpreter; set the space's code, data, brk and program counter. */
int exec_map_images(struct exec *exec);

/* The program's entry point: AT_ENTRY. */
uint64_t exec_entry(const struct exec *exec);

/* --- stack.c ----------------------------------------------------------------------------- */

/* Choose where the stack and the mmap area end, map the stack, and put the strings on it. */
int exec_map_stack(struct exec *exec);

/* Put the auxiliary vector and the pointers on the stack. All images and the vdso are mapped. */
int exec_fill_stack(struct exec *exec);

/* --- vdso.c ----------------------------------------------------------------------------------- */

/* Map [vvar] and [vdso] in the sizes that the host has. */
int exec_map_vdso(struct exec *exec);

/* --- library.c -------------------------------------------------------------------------------- */

/* Map the libraries of a program that has an interpreter, as ld.so would. */
int exec_map_libraries(struct exec *exec);

#endif
