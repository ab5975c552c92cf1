/*
 * environ.c - the environment variables that the next exec of a process gets. vm.h documents the
 * call.
 */
#include "vm/process/environ.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"

#include <errno.h>
#include <string.h>

/*
 * The most that an environment may take, bytes. Pointers count, as in execve. It is limited because
 * every process may have one of its own.
 */
enum { MAX_ENVIRON = 128 << 10 };

struct vm_environ *environ_ref(struct vm_environ *environ)
{
	if (environ != NULL)
		g_atomic_int_inc(&environ->refs);
	return environ;
}

void environ_unref(struct vm_machine *machine, struct vm_environ *environ)
{
	if (environ == NULL || !g_atomic_int_dec_and_test(&environ->refs))
		return;
	user_uncharge(machine, environ->user, VM_NOTES, environ->size);
	machine_lock(machine);
	user_put_locked(machine, environ->user);
	machine_unlock(machine);
	g_free(environ);
}

/* Whether VARIABLE, "NAME=VALUE", is that of NAME, which is LEN bytes long. */
static bool has_name(const char *variable, const char *name, size_t len)
{
	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* What an environment shall be: the variables OLD, but NAME has VALUE, or is not there if NULL. */
struct change {
	char *const *old; /* NULL-terminated */
	const char *name, *value;
	size_t name_len;
	size_t count, bytes; /* of the new one: variables; bytes of their text with the NULs */
};

static bool is_changed(const struct change *change, const char *variable)
{
	return has_name(variable, change->name, change->name_len);
}

/* Set COUNT and BYTES. */
static void measure(struct change *change)
{
	for (char *const *v = change->old; *v != NULL; v++) {
		if (is_changed(change, *v))
			continue;
		change->count++;
		change->bytes += strlen(*v) + 1;
	}
	if (change->value != NULL) {
		change->count++;
		change->bytes += change->name_len + strlen(change->value) + 2;
	}
}

/* Append the variable that CHANGE sets at TEXT, and its address at PLACE. */
static char *append_new(const struct change *change, char **place, char *text)
{
	*place = text;
	text = stpcpy(stpcpy(stpcpy(text, change->name), "="), change->value);
	return text + 1;
}

/* Fill ENVIRON, which has room. A variable that changes keeps its place; a new one comes last. */
static void fill(const struct change *change, struct vm_environ *environ)
{
	char **place = environ->variables, *text = (char *)(place + change->count + 1);
	bool missing = change->value != NULL;

	for (char *const *v = change->old; *v != NULL; v++) {
		if (!is_changed(change, *v)) {
			*place++ = text;
			text = stpcpy(text, *v) + 1;
		} else if (missing) {
			text = append_new(change, place++, text);
			missing = false;
		}
	}
	if (missing)
		append_new(change, place++, text);
	*place = NULL;
}

/*
 * A new environment, with one reference, that is charged to the user of PROCESS. NULL: no memory.
 */
static struct vm_environ *environ_new(struct vm_process *process, const struct change *change)
{
	struct vm_machine *machine = process->machine;
	size_t size =
	    sizeof(struct vm_environ) + (change->count + 1) * sizeof(char *) + change->bytes;

	if (user_charge(machine, process->user, VM_NOTES, size) != 0)
		return NULL;
	struct vm_environ *environ = g_try_malloc(size);
	if (environ == NULL) {
		user_uncharge(machine, process->user, VM_NOTES, size);
		return NULL;
	}
	environ->refs = 1;
	environ->size = size;
	machine_lock(machine);
	environ->user = user_ref_locked(process->user);
	machine_unlock(machine);
	fill(change, environ);
	return environ;
}

static int set_variable(struct vm_process *process, const char *name, const char *value)
{
	static char *const none[] = {NULL};
	char *const *old = environ_variables(process);
	struct change change = {.old = old != NULL ? old : none,
	                        .name = name,
	                        .value = value,
	                        .name_len = strlen(name)};

	measure(&change);
	if (value != NULL && change.bytes + change.count * sizeof(char *) > MAX_ENVIRON)
		return -ENOMEM;
	struct vm_environ *environ = environ_new(process, &change);
	if (environ == NULL)
		return -ENOMEM;
	environ_unref(process->machine, process->environ);
	process->environ = environ;
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
