/*
 * exec.c - vm_exec: execve(2) as Linux's fs/exec.c does it, and what ld.so would do before main.
 *
 *     1. Copy the strings. Follow #! lines to the program. Read its headers, and those of its
 *        interpreter.
 *     2. Build a new address space: the stack, the images, [vvar] and [vdso], the tables on the
 *        stack.
 *     3. Unless args->kernel_only: add the libraries, and malloc's first heap.
 *     4. Give the new address space to the process. Until then the process is unchanged.
 *
 * No code runs, so nothing is relocated: the pages of programs and libraries contain what is in
 * their files.
 *
 * No lock is held while files are opened and read and the new address space is built. Meanwhile
 * other threads may change the process, and it may end. Step 4 takes the process lock and returns
 * -ESRCH if it has ended. What others did to the old address space is lost with it.
 */
#include "vm/exec/exec.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/process/descriptors.h"
#include "vm/space/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_INTERPRETERS = 5, /* the most #! lines before a program: exec_binprm */
	FIRST_HEAP = 0x21000, /* bytes by which malloc first moves the break */
};

#define SECURE_STACK (UINT64_C(8) << 20) /* bytes: _STK_LIM */

/* --- Finding the program ---------------------------------------------------------------------- */

/*
 * Open PATH, a file to run (do_open_execat). Nobody can open it for writing until close_program.
 * NULL, with *ERROR set: -EACCES (it is on a noexec mount), -ETXTBSY (somebody has it open for
 * writing), or what the opener answers.
 */
static struct vm_file *open_program(const struct exec *exec, const char *path, int *error)
{
	const struct vm_opener *opener = &exec->args->opener;
	struct vm_file *file = opener->open(opener->ctx, path, true, error);

	if (file == NULL)
		return NULL;
	*error = file->filesystem.noexec ? -EACCES : file_deny_write(file);
	if (*error != 0)
		g_clear_pointer(&file, vm_file_unref);
	return file;
}

static void close_program(struct vm_file *file)
{
	if (file == NULL)
		return;
	file_allow_write(file);
	vm_file_unref(file);
}

/*
 * Parse the #! line of FILE. -ENOEXEC: it is not a script; or an error of reading. *SCRIPT is to be
 * cleared in any case.
 */
static int read_script(struct vm_file *file, struct script *script)
{
	char head[SCRIPT_HEAD] = {0};
	ssize_t got = vm_file_pread(file, head, sizeof head, 0);

	*script = (struct script){0};
	return got < 0 ? (int)got : script_parse(head, script);
}

/*
 * Open the file *PATH and see what it is.
 *
 * => 0: it is the program: exec->program has its headers, and exec->program_file stays open
 * => 1: it is a script; *PATH is now the path of its interpreter, and the strings are changed
 * => -ELOOP: LAST is set; as in Linux, the file must still be one that can be opened
 * => another negative errno: it cannot be opened or read, it is malformed, or -E2BIG
 *
 * In each case *PATH is a string that the caller frees.
 */
static int find_program_step(struct exec *exec, char **path, bool last)
{
	struct script script;
	int error = 0;
	struct vm_file *file = open_program(exec, *path, &error);

	if (file == NULL)
		return error;
	if (last) {
		close_program(file);
		return -ELOOP;
	}
	error = read_script(file, &script);
	/* Linux tries its formats in turn: what is not a script may be an ELF file. */
	if (error == -ENOEXEC) {
		exec->program_file = g_steal_pointer(&file);
		error = exec_image_open(&exec->program, exec->program_file);
	} else if (error == 0) {
		error = exec_strings_interpret(&exec->strings, &script, *path);
		g_free(*path);
		*path = g_steal_pointer(&script.interpreter);
		error = error == 0 ? 1 : error;
	}
	script_clear(&script);
	close_program(file);
	return error;
}

static int find_program(struct exec *exec)
{
	g_autofree char *path = g_strdup(exec->args->path);
	int found = 1;

	for (int step = 0; found == 1; step++) {
		found = find_program_step(exec, &path, step > MAX_INTERPRETERS);
		/* Too many interpreters are the fault of no single one. */
		if (step > 0 && step <= MAX_INTERPRETERS && found < 0 && found != -E2BIG)
			exec_blame(exec, path);
	}
	return found;
}

/* Open the interpreter and read its headers. -ELIBBAD, -EIO, -ENOEXEC: as elf_interpreter_error. */
static int open_interpreter(struct exec *exec)
{
	int error = 0;

	exec->interpreter_file = open_program(exec, exec->interpreter_path, &error);
	if (exec->interpreter_file == NULL)
		return error;
	error = exec_image_open(&exec->interpreter, exec->interpreter_file);
	return error == -ENOEXEC ? elf_interpreter_error(&exec->interpreter.elf) : error;
}

static int find_interpreter(struct exec *exec)
{
	int error = elf_interpreter(&exec->program.elf, &exec->interpreter_path);

	if (error != 0 || exec->interpreter_path == NULL)
		return error;
	error = open_interpreter(exec);
	if (error != 0)
		exec_blame(exec, exec->interpreter_path);
	return error;
}

/* --- Building and handing over ---------------------------------------------------------------- */

/*
 * Move the break as malloc's first allocation does. If it cannot move, that is not an error: malloc
 * would use mmap instead.
 */
static int make_heap(struct exec *exec)
{
	int64_t brk =
	    builder_brk(&exec->builder, exec->builder.space->layout.start_brk + FIRST_HEAP);

	return brk < 0 ? (int)brk : 0;
}

static int build(struct exec *exec)
{
	static int (*const kernel_steps[])(struct exec *) = {exec_map_stack, exec_map_images,
	                                                     exec_map_vdso, exec_fill_stack};
	static int (*const user_steps[])(struct exec *) = {exec_map_libraries, make_heap};
	int error = 0;

	for (size_t i = 0; error == 0 && i < G_N_ELEMENTS(kernel_steps); i++)
		error = kernel_steps[i](exec);
	for (size_t i = 0; error == 0 && !exec->kernel_only && i < G_N_ELEMENTS(user_steps); i++)
		error = user_steps[i](exec);
	return error;
}

static int find_files(struct exec *exec, struct vm_process *process)
{
	int error = exec_strings_init(&exec->strings, exec->args, process);

	if (error == 0)
		error = find_program(exec);
	if (error == 0)
		error = find_interpreter(exec);
	if (error != 0)
		return error;
	exec_find_identity(exec);
	return exec_find_loader(exec);
}

/*
 * The name that Linux gives the process: PATH after its last slash. PATH is the path that the
 * caller asked for; if that is a script, the process has the name of the script.
 */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/*
 * Build the new address space. The files are open, and the builder has begun. Its process has the
 * limits that are to be. No lock is held.
 */
static int build_space(struct exec *exec)
{
	exec->stack_limit = limits_soft(exec->builder.process, VM_LIMIT_STACK);
	/* begin_new_exec: a privileged program is protected from the limits of its caller. */
	if (exec->secure)
		exec->stack_limit = MIN(exec->stack_limit, SECURE_STACK);
	int error = build(exec);
	if (error == 0) {
		builder_set_exe(&exec->builder, exec->program.file);
		exec->builder.space->kernel_only = exec->kernel_only;
	}
	return error;
}

/*
 * Build the new address space and give it to PROCESS. The files are open. No lock is held.
 *
 * => 0: PROCESS runs in the new address space
 * => a negative errno: PROCESS is as before
 *
 * In both cases the builder is ended, which frees the address space that PROCESS does not use.
 */
static int build_and_adopt(struct exec *exec, struct vm_process *process)
{
	int error = builder_begin(&exec->builder, exec->machine, &exec->cred);

	if (error != 0)
		return error;
	/* PROCESS may have ended since the strings were copied. Its limits can still be read. */
	process_read_lock(process);
	builder_take_limits(&exec->builder, process);
	process_unlock(process);
	/* From here on PROCESS is unlocked again: builder_adopt checks that it has not ended. */
	error = build_space(exec);
	if (error == 0)
		error = builder_adopt(&exec->builder, process, base_name(exec->args->path));
	if (error == 0)
		descriptors_exec(process);
	builder_end(&exec->builder);
	return error;
}

/* Free what *EXEC has. If it failed with ERROR, say which file was at fault; else store *ENTRY. */
static void finish(struct exec *exec, int error, uint64_t *entry)
{
	if (error == 0)
		*entry = exec_entry(exec);
	exec_image_clear(&exec->interpreter);
	exec_image_clear(&exec->program);
	/* From now on the process itself keeps its program, but not the interpreter. */
	close_program(exec->interpreter_file);
	close_program(exec->program_file);
	exec_strings_clear(&exec->strings);
	g_free(exec->interpreter_path);
	if (exec->args->blamed != NULL)
		*exec->args->blamed = error != 0 ? g_steal_pointer(&exec->blamed) : NULL;
	g_free(exec->blamed);
}

int vm_exec(struct vm_process *process, const struct vm_exec_args *args, uint64_t *entry)
{
	struct exec exec = {
	    .args = args, .machine = process->machine, .cred = vm_process_cred(process)};
	int error = -ESRCH;

	/* Only saves work: the process may still end at any time until it is adopted. */
	if (vm_process_alive(process))
		error = find_files(&exec, process);
	if (error == 0)
		error = build_and_adopt(&exec, process);
	finish(&exec, error, entry);
	return error;
}

struct vm_process *vm_exec_new(struct vm_machine *machine, const struct vm_cred *cred,
                               const struct vm_exec_args *args, uint64_t *entry, int *error)
{
	struct exec exec = {.args = args, .machine = machine, .cred = *cred};
	struct vm_process *process = NULL;

	*error = builder_begin(&exec.builder, machine, cred);
	if (*error == 0) {
		*error = find_files(&exec, exec.builder.process);
		if (*error == 0)
			*error = build_space(&exec);
		if (*error == 0)
			process = builder_publish(&exec.builder, 0, base_name(args->path), error);
		builder_end(&exec.builder);
	}
	finish(&exec, *error, entry);
	return process;
}
