#include "vm/process/process.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/calls/mmap.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/tlb.h"
#include "vm/process/event.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

/* --- Address spaces --------------------------------------------------------------------------- */

/*
 * Linux leaves at least this much below the top for the stack to grow in (MIN_GAP of
 * arch/x86/mm/mmap.c).
 */
#define STACK_GAP (UINT64_C(128) << 20)

static struct vm_space *space_new(struct vm_process *process)
{
	struct vm_space *space = g_try_new0(struct vm_space, 1);
	struct vm_machine *machine = process->machine;

	if (space == NULL)
		return NULL;
	space->process = process;
	space->mmap_base = VM_USER_END - STACK_GAP;
	machine_lock(machine);
	int error = pagetable_create_locked(space);
	machine_unlock(machine);
	if (error != 0)
		g_clear_pointer(&space, g_free);
	return space;
}

/* Take SPACE apart. The files it mapped are released by the caller, without locks. */
static void space_free(struct vm_space *space, GPtrArray **files)
{
	/*
	 * Areas first: who finds a file shrunk looks for its pages through the areas that map it.
	 */
	while (space->first != NULL)
		file_list_add(files, area_delete(space->first));
	pagetable_destroy(space);
	file_list_add(files, space->exe);
	g_free(space);
}

/* --- Making ----------------------------------------------------------------------------------- */

static void lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	/* A stream of readers must not keep a call that changes areas waiting for ever. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

struct vm_process *process_new_nascent(struct vm_machine *machine, const struct vm_cred *cred)
{
	struct vm_process *process = g_try_new0(struct vm_process, 1);

	if (process == NULL)
		return NULL;
	process->machine = machine;
	process->cred = *cred;
	process->refs = 1;
	process->start = machine_uptime(machine);
	list_init(&process->children);
	list_init(&process->sibling);
	limits_init(process);
	lock_init(&process->lock);
	process->space = space_new(process);
	if (process->space == NULL)
		g_clear_pointer(&process, vm_process_unref);
	return process;
}

int process_publish(struct vm_process *process, pid_t parent, const char *comm)
{
	struct vm_machine *machine = process->machine;
	int error = 0;

	machine_lock(machine);
	if (machine->process_count >= machine->config.max_processes ||
	    machine->next_pid == G_MAXINT) {
		error = -EAGAIN;
	} else {
		process->pid = machine->next_pid++;
		process->oom_space = process->space;
		process->ppid = parent;
		g_strlcpy(process->comm, comm, sizeof process->comm);
		g_tree_insert(machine->processes, GINT_TO_POINTER(process->pid),
		              vm_process_ref(process));
		machine->process_count++;
		machine->count.forks++;
		process->parent = g_tree_lookup(machine->processes, GINT_TO_POINTER(parent));
		if (process->parent != NULL)
			list_append(&process->parent->children, &process->sibling);
	}
	machine_unlock(machine);
	return error;
}

/* A stack as exec leaves it, and a heap of no bytes where a small program's would start. */
static int furnish(struct vm_process *process)
{
	struct vm_space *space = process->space;
	const uint64_t size = UINT64_C(0x21000);
	int64_t at = vm_mmap(process, VM_USER_END - size, size, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);

	space->start_stack = space->sp = VM_USER_END - 16;
	space->start_brk = space->brk = UINT64_C(0x555555556000);
	return at < 0 ? (int)at : 0;
}

struct vm_process *vm_process_spawn(struct vm_machine *machine, const struct vm_cred *cred,
                                    const char *name, int *error)
{
	struct vm_process *process = process_new_nascent(machine, cred);

	*error = process != NULL ? furnish(process) : -ENOMEM;
	if (*error == 0)
		*error = process_publish(process, 0, name);
	if (*error != 0)
		g_clear_pointer(&process, vm_process_unref);
	return process;
}

int process_adopt_space(struct vm_process *process, struct vm_process *nascent, const char *comm)
{
	struct vm_machine *machine = process->machine;
	int error = 0;

	process_write_lock(process);
	struct vm_space *old = process->space;
	if (old == NULL) {
		error = -ESRCH;
	} else {
		machine_lock(machine);
		process->space = nascent->space;
		process->space->process = process;
		nascent->space = old;
		tlb_flush_all_locked(process->space);
		old->process = nascent;
		process->oom_space = process->space;
		g_strlcpy(process->comm, comm, sizeof process->comm);
		machine_unlock(machine);
	}
	process_unlock(process);
	return error;
}

int vm_process_set_comm(struct vm_process *process, const char *name)
{
	if (!vm_process_alive(process))
		return -ESRCH;
	machine_lock(process->machine);
	g_strlcpy(process->comm, name, sizeof process->comm);
	machine_unlock(process->machine);
	return 0;
}

/* --- References and the table ----------------------------------------------------------------- */

struct vm_process *vm_process_ref(struct vm_process *process)
{
	g_atomic_int_inc(&process->refs);
	return process;
}

/* Everything that a living process has goes. */
static void strip(struct vm_process *process)
{
	GPtrArray *files = NULL;

	process_write_lock(process);
	struct vm_space *space = g_steal_pointer(&process->space);
	if (space != NULL)
		space_free(space, &files);
	GPtrArray *fds = g_steal_pointer(&process->fds);
	process_unlock(process);
	file_list_release(files);
	for (guint i = 0; fds != NULL && i < fds->len; i++)
		if (fds->pdata[i] != NULL)
			vm_file_unref(fds->pdata[i]);
	if (fds != NULL)
		g_ptr_array_unref(fds);
}

void vm_process_unref(struct vm_process *process)
{
	if (!g_atomic_int_dec_and_test(&process->refs))
		return;
	strip(process);
	event_free(process);
	tlb_free(process);
	g_strfreev(process->environ);
	pthread_rwlock_destroy(&process->lock);
	g_free(process);
}

struct vm_process *vm_process_find(struct vm_machine *machine, pid_t pid)
{
	machine_lock(machine);
	struct vm_process *process = g_tree_lookup(machine->processes, GINT_TO_POINTER(pid));
	if (process != NULL)
		vm_process_ref(process);
	machine_unlock(machine);
	return process;
}

static gboolean add_pid(gpointer key, gpointer value, gpointer ctx)
{
	pid_t pid = GPOINTER_TO_INT(key);

	g_array_append_val((GArray *)ctx, pid);
	return FALSE;
}

GArray *vm_machine_pids(struct vm_machine *machine)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));

	machine_lock(machine);
	g_tree_foreach(machine->processes, add_pid, pids);
	machine_unlock(machine);
	return pids;
}

pid_t vm_process_pid(const struct vm_process *process)
{
	return process->pid;
}

struct vm_cred vm_process_cred(const struct vm_process *process)
{
	return process->cred;
}

bool vm_process_alive(struct vm_process *process)
{
	machine_lock(process->machine);
	bool alive =
	    g_tree_lookup(process->machine->processes, GINT_TO_POINTER(process->pid)) == process;
	machine_unlock(process->machine);
	return alive;
}

/* --- The end ---------------------------------------------------------------------------------- */

/*
 * PROCESS is no longer its parent's child, nor its children's parent; what their faults came to
 * goes up.
 */
static void leave_family_locked(struct vm_process *process)
{
	struct vm_process *parent = process->parent;

	if (parent != NULL) {
		list_remove(&process->sibling);
		parent->child_minor_faults += process->minor_faults + process->child_minor_faults;
		parent->child_major_faults += process->major_faults + process->child_major_faults;
	}
	while (!list_empty(&process->children)) {
		struct vm_process *child =
		    LIST_ENTRY(process->children.next, struct vm_process, sibling);
		list_remove(&child->sibling);
		child->parent = NULL;
		child->ppid = 0;
	}
}

/* Take PROCESS out of the table. False if it was not there: somebody else has ended it. */
static bool unpublish(struct vm_process *process)
{
	struct vm_machine *machine = process->machine;

	machine_lock(machine);
	bool found = g_tree_remove(machine->processes, GINT_TO_POINTER(process->pid));
	if (found) {
		machine->process_count--;
		process->oom_space = NULL;
		leave_family_locked(process);
	}
	machine_unlock(machine);
	return found;
}

int vm_process_exit(struct vm_process *process, int status)
{
	if (!unpublish(process))
		return -ESRCH;
	strip(process);
	vm_process_unref(process);
	return 0;
}

int vm_process_kill(struct vm_process *process, int signal)
{
	if (signal < 0 || signal > SIGRTMAX)
		return -EINVAL;
	if (signal == 0 || signal == SIGCHLD || signal == SIGCONT || signal == SIGURG ||
	    signal == SIGWINCH)
		return vm_process_alive(process) ? 0 : -ESRCH;
	return vm_process_exit(process, 128 + signal);
}

/* --- The environment -------------------------------------------------------------------------- */

/*
 * Bytes that an environment may take with its pointers, as execve counts them: forks have a copy
 * each.
 */
enum { MAX_ENVIRON = 128 << 10 };

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

/* --- Descriptors ------------------------------------------------------------------------------ */

/* RLIMIT_NOFILE's default. */
enum { MAX_FDS = 1024 };

/* The lowest index of FDS that is free, or its length. */
static guint lowest_free(const GPtrArray *fds)
{
	guint fd = 0;

	while (fd < fds->len && fds->pdata[fd] != NULL)
		fd++;
	return fd;
}

int vm_process_open(struct vm_process *process, struct vm_file *file)
{
	int result = -ESRCH;

	process_write_lock(process);
	if (process->space != NULL) {
		if (process->fds == NULL)
			process->fds = g_ptr_array_new();
		guint fd = lowest_free(process->fds);
		result = fd < MAX_FDS ? (int)fd : -EMFILE;
		if (fd == process->fds->len && fd < MAX_FDS)
			g_ptr_array_add(process->fds, NULL);
		if (fd < MAX_FDS)
			process->fds->pdata[fd] = vm_file_ref(file);
	}
	process_unlock(process);
	return result;
}

/* What stands behind FD, or NULL. */
static struct vm_file **fd_slot(struct vm_process *process, int fd)
{
	if (process->fds == NULL || fd < 0 || (guint)fd >= process->fds->len ||
	    process->fds->pdata[fd] == NULL)
		return NULL;
	return (struct vm_file **)&process->fds->pdata[fd];
}

int vm_process_close(struct vm_process *process, int fd)
{
	struct vm_file *file = NULL;

	process_write_lock(process);
	struct vm_file **slot = fd_slot(process, fd);
	bool alive = process->space != NULL;
	if (slot != NULL)
		file = g_steal_pointer(slot);
	process_unlock(process);
	if (file == NULL)
		return alive ? -EBADF : -ESRCH;
	vm_file_unref(file);
	return 0;
}

struct vm_file *vm_process_file(struct vm_process *process, int fd)
{
	process_read_lock(process);
	struct vm_file **slot = fd_slot(process, fd);
	struct vm_file *file = slot != NULL ? vm_file_ref(*slot) : NULL;
	process_unlock(process);
	return file;
}
