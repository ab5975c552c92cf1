/*
 * environ.c - the environment variables that the next exec of a process gets. vm.h documents the
 * call.
 */
#include "vm/process/environ.h"
#include "vm/base/lock.h"

#include <errno.h>
#include <string.h>

/*
 * The most that an environment may take, bytes. Pointers count, as in execve. It is limited because
 * every process may have one of its own.
 */
enum { MAX_ENVIRON = 128 << 10 };

/* Bytes that NAME=VALUE takes with its NUL and its pointer. */
static size_t variable_size(const char *name, const char *value)
{
	return strlen(name) + strlen(value) + 2 + sizeof(char *);
}

static size_t environ_size(char *const *environ)
{
	size_t size = 0;

	for (; environ != NULL && *environ != NULL; environ++)
		size += strlen(*environ) + 1 + sizeof *environ;
	return size;
}

struct vm_environ *environ_ref(struct vm_environ *environ)
{
	if (environ != NULL)
		g_atomic_int_inc(&environ->refs);
	return environ;
}

void environ_unref(struct vm_environ *environ)
{
	if (environ == NULL || !g_atomic_int_dec_and_test(&environ->refs))
		return;
	g_strfreev(environ->variables);
	g_free(environ);
}

/* Make the environment of PROCESS, which is locked for writing, its own. */
static struct vm_environ *own_environ(struct vm_process *process)
{
	struct vm_environ *old = process->environ;

	if (old != NULL && g_atomic_int_get(&old->refs) == 1)
		return old;
	process->environ = g_new(struct vm_environ, 1);
	*process->environ =
	    (struct vm_environ){.refs = 1, .variables = g_strdupv(old ? old->variables : NULL)};
	environ_unref(old);
	return process->environ;
}

static int set_variable(struct vm_process *process, const char *name, const char *value)
{
	char **variables = environ_variables(process);
	const char *old = g_environ_getenv(variables, name);
	size_t kept = environ_size(variables) - (old != NULL ? variable_size(name, old) : 0);

	if (value != NULL && kept + variable_size(name, value) > MAX_ENVIRON)
		return -ENOMEM;
	struct vm_environ *environ = own_environ(process);
	if (value != NULL)
		environ->variables = g_environ_setenv(environ->variables, name, value, TRUE);
	else
		environ->variables = g_environ_unsetenv(environ->variables, name);
	return 0;
}

int vm_process_setenv(struct vm_process *process, const char *name, const char *value)
{
	if (name[0] == '\0' || strchr(name, '=') != NULL)
		return -EINVAL;
	process_write_lock(process);
	int error = process->space != NULL ? set_variable(process, name, value) : -ESRCH;
	process_unlock(process);
	return error;
}
