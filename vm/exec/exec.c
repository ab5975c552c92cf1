/*
 * exec.c - vm_exec: execve(2) as Linux's fs/exec.c does it, and what ld.so would do before main.
 *
 *     1. collect the strings, find the program behind any #! lines, read its headers and its interpreter's
 *     2. in a builder: the stack, the images, [vvar] and [vdso], the tables on the stack
 *     3. unless only the kernel's part is wanted: the libraries, and malloc's first heap
 *     4. hand the new space over; until then nothing has happened to the process
 *
 * No code runs, so nothing is relocated: the pages of libraries and programs hold what the files
 * hold.
 */
#include "vm/exec/exec.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_INTERPRETERS = 5, /* #! lines on the way to a program */
	FIRST_HEAP = 0x21000, /* bytes by which malloc first moves the break */
};

/* --- Finding the program ---------------------------------------------------------------------- */

static struct vm_file *open_program(const struct exec *exec, const char *path, int *error)
{
	const struct vm_opener *opener = &exec->args->opener;

	return opener->open(opener->ctx, path, true, error);
}

/* The script in FILE, or -ENOEXEC where it is none. */
static int read_script(struct vm_file *file, struct script *script)
{
	char head[SCRIPT_HEAD] = {0};
	ssize_t got = vm_file_pread(file, head, sizeof head, 0);

	*script = (struct script){0};
	return got < 0 ? (int)got : script_parse(head, script);
}

/*
 * One step from the file *PATH towards the program: 1 if *PATH is a script, whose interpreter it
 * names now.
 */
static int find_program_step(struct exec *exec, char **path, bool last)
{
	struct script script;
	int error = 0;
	struct vm_file *file = open_program(exec, *path, &error);

	if (file == NULL)
		return error;
	if (last) {
		vm_file_unref(file);
		return -ELOOP;
	}
	error = read_script(file, &script);
	if (error == -ENOEXEC) {
		error = exec_image_open(&exec->program, file);
	} else if (error == 0) {
		error = exec_strings_interpret(&exec->strings, &script, *path);
		g_free(*path);
		*path = g_steal_pointer(&script.interpreter);
		error = error == 0 ? 1 : error;
	}
	script_clear(&script);
	vm_file_unref(file);
	return error;
}

static int find_program(struct exec *exec)
{
	g_autofree char *path = g_strdup(exec->args->path);
	int found = 1;

	for (int step = 0; found == 1; step++)
		found = find_program_step(exec, &path, step > MAX_INTERPRETERS);
	return found;
}

static int find_interpreter(struct exec *exec)
{
	int error = elf_interpreter(&exec->program.elf, &exec->interpreter_path);

	if (error != 0 || exec->interpreter_path == NULL)
		return error;
	struct vm_file *file = open_program(exec, exec->interpreter_path, &error);
	if (file == NULL)
		return error;
	error = exec_image_open(&exec->interpreter, file);
	vm_file_unref(file);
	return error;
}

/* --- Building and handing over ---------------------------------------------------------------- */

/* malloc's first heap. A break that cannot move is no failure: malloc would go elsewhere. */
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
	for (size_t i = 0; error == 0 && !exec->args->kernel_only && i < G_N_ELEMENTS(user_steps);
	     i++)
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
	return error;
}

/*
 * The name that Linux gives the process: the last part of the path that was asked for, a script's
 * too.
 */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int build_and_adopt(struct exec *exec, struct vm_process *process, uint64_t *entry)
{
	int error = builder_begin(&exec->builder, exec->machine, &exec->cred);

	if (error != 0)
		return error;
	process_read_lock(process);
	builder_take_limits(&exec->builder, process);
	process_unlock(process);
	error = build(exec);
	if (error == 0) {
		builder_set_exe(&exec->builder, exec->program.file);
		error = builder_adopt(&exec->builder, process, base_name(exec->args->path));
	}
	if (error == 0)
		*entry = exec_entry(exec);
	builder_end(&exec->builder);
	return error;
}

int vm_exec(struct vm_process *process, const struct vm_exec_args *args, uint64_t *entry)
{
	struct exec exec = {
	    .args = args, .machine = process->machine, .cred = vm_process_cred(process)};

	if (!vm_process_alive(process))
		return -ESRCH;
	int error = find_files(&exec, process);
	if (error == 0)
		error = build_and_adopt(&exec, process, entry);
	exec_image_clear(&exec.interpreter);
	exec_image_clear(&exec.program);
	exec_strings_clear(&exec.strings);
	g_free(exec.interpreter_path);
	return error;
}
