/*
 * calls_exec.c - execve. The engine has the work (vm_exec); here are the strings in the program's
 * memory, and what else changes. Linux: fs/exec.c, begin_new_exec.
 */
#include "fs/run/calls.h"

#include <limits.h>

enum {
	STRING_MOST = 32 * VM_PAGE_SIZE, /* MAX_ARG_STRLEN */
	/* bytes of all strings and pointers of a vector: 3/4 of _STK_LIM, never more in Linux */
	VECTOR_MOST = 6 << 20,
};

/* Read the string at VA and append it to STRINGS. *LEFT: how many bytes there may still be. */
static int add_string(struct call *call, GPtrArray *strings, uint64_t va, size_t *left)
{
	int error;
	char *string = call_string(call, va, STRING_MOST, &error);

	if (string == NULL)
		return error == -ENAMETOOLONG ? -E2BIG : error;
	g_ptr_array_add(strings, string);
	size_t size = strlen(string) + 1 + sizeof va;
	if (size > *left)
		return -E2BIG;
	*left -= size;
	return 0;
}

/* Read the vector of strings at VA, with a NULL at its end. VA 0 is an empty one. */
static int get_vector(struct call *call, uint64_t va, GPtrArray *strings)
{
	size_t left = VECTOR_MOST;
	uint64_t string;
	int error = 0;

	for (; va != 0 && error == 0; va += sizeof string) {
		error = call_get(call, va, &string, sizeof string);
		if (error != 0 || string == 0)
			break;
		error = add_string(call, strings, string, &left);
	}
	g_ptr_array_add(strings, NULL);
	return error;
}

/* The old program is gone. What of it does the new one have? */
static void begin_program(struct program *program)
{
	struct vm_process_info info;

	vm_process_info(program->process, &info);
	vm_context_reset(program->context, info.layout.pc, info.layout.sp);
	program->clear_tid = 0;
	program->restart.fn = NULL;
	run_lock(program->run);
	signals_exec(&program->signals);
	program->execed = true;
	program_end_vfork_locked(program);
	run_changed_locked(program->run);
	run_unlock(program->run);
}

static int64_t exec_vectors(struct call *call, const char *path, GPtrArray *argv, GPtrArray *envp)
{
	struct place_opener context;
	uint64_t entry;

	/* As in Linux, a program has a name, if only an empty one. */
	if (argv->len == 1)
		g_ptr_array_insert(argv, 0, g_strdup(""));
	const struct vm_exec_args args = {
	    .path = path,
	    .argv = (const char *const *)argv->pdata,
	    .envp = (const char *const *)envp->pdata,
	    .opener = place_opener(&context, call->program->place),
	    .kernel_only = true,
	};
	/* They are gone with the old memory. */
	call_log_arguments(call);
	int error = vm_exec(call->process, &args, &entry);
	if (error == 0)
		begin_program(call->program);
	return error;
}

int64_t sys_execve(struct call *call)
{
	int error;
	g_autofree char *path = call_path(call, call->arg[0], false, &error);

	if (path == NULL)
		return error;
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) envp = g_ptr_array_new_with_free_func(g_free);
	error = get_vector(call, call->arg[1], argv);
	if (error == 0)
		error = get_vector(call, call->arg[2], envp);
	return error != 0 ? error : exec_vectors(call, path, argv, envp);
}

/* The C library takes execve, unless the program asks for a descriptor. */
int64_t sys_execveat(struct call *call)
{
	return -ENOSYS;
}
