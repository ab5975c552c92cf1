/*
 * environ.c - the environment variables that the next exec of a process gets. vm.h documents the
 * call.
 */
#include "vm/base/lock.h"

#include <errno.h>
#include <string.h>

/*
 * The most that an environment may take, bytes. Pointers count, as in execve. It is limited because
 * every fork gets a copy.
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

static int set_variable(struct vm_process *process, const char *name, const char *value)
{
	const char *old = g_environ_getenv(process->environ, name);
	size_t kept = environ_size(process->environ) - (old != NULL ? variable_size(name, old) : 0);

	if (value != NULL && kept + variable_size(name, value) > MAX_ENVIRON)
		return -ENOMEM;
	if (value != NULL)
		process->environ = g_environ_setenv(process->environ, name, value, TRUE);
	else
		process->environ = g_environ_unsetenv(process->environ, name);
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
