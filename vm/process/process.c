#include "vm/process/process.h"
#include "util/refstring.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/tlb.h"
#include "vm/process/descriptors.h"
#include "vm/process/environ.h"
#include "vm/process/event.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/space.h"
#include "vm/space/threads.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

/* dump_filter at first (MMF_DUMP_FILTER_DEFAULT), and the bits that it has. */
enum { DUMP_FILTER = 0x33, DUMP_FILTER_BITS = 0x1ff };

/* --- Making ----------------------------------------------------------------------------------- */

static void lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	/* Or a steady stream of readers could keep a call that changes areas waiting for ever. */
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
	process->dump_filter = DUMP_FILTER;
	limits_init(process);
	lock_init(&process->lock);
	machine_lock(machine);
	process->user = user_get_locked(machine, cred->uid);
	machine_unlock(machine);
	if (process->user != NULL)
		process->space = space_new(process);
	if (process->space == NULL)
		g_clear_pointer(&process, vm_process_unref);
	return process;
}

static struct vm_process *find_living_locked(struct vm_machine *machine, pid_t pid)
{
	struct vm_process *process = process_find_locked(machine, pid);

	return process != NULL && !process->zombie ? process : NULL;
}

/* CWD is a reference that somebody else has, or NULL. */
static void set_cwd_locked(struct vm_process *process, char *cwd)
{
	struct vm_machine *machine = process->machine;

	if (process->cwd != NULL) {
		user_uncharge(machine, process->user, VM_NOTES, strlen(process->cwd));
		refstring_release(process->cwd);
		process->cwd = NULL;
	}
	if (cwd != NULL && user_charge(machine, process->user, VM_NOTES, strlen(cwd)) == 0)
		process->cwd = refstring_acquire(cwd);
}

/* What CHILD has from its PARENT beside memory and descriptors (copy_process, copy_signal). */
static void inherit_locked(struct vm_process *child, struct vm_process *parent)
{
	list_append(&parent->children, &child->sibling);
	child->group = parent->group;
	child->session = parent->session;
	child->oom_adj = parent->oom_adj;
	child->oom_adj_least = parent->oom_adj_least;
	child->dump_filter = parent->dump_filter;
	set_cwd_locked(child, parent->cwd);
}

int process_publish(struct vm_process *process, pid_t parent, const char *comm)
{
	struct vm_machine *machine = process->machine;
	int error = -EAGAIN;

	machine_lock(machine);
	if (threads_fit(process->space, machine->next_pid))
		error = user_charge(machine, process->user, VM_PROCESSES, 1);
	if (error == 0) {
		process->pid = machine->next_pid;
		machine->next_pid = threads_publish_locked(process->space, process->pid);
		process->oom_space = process->space;
		g_strlcpy(process->comm, comm, sizeof process->comm);
		vm_process_ref(process);
		treap_insert(&machine->processes, &process->table, (uint64_t)process->pid);
		machine->process_count++;
		machine->count.forks++;
		process->parent = find_living_locked(machine, parent);
		/* The parent may have ended while the child was made. */
		process->ppid = process->parent != NULL ? parent : 0;
		process->group = process->session = process->pid;
		if (process->parent != NULL)
			inherit_locked(process, process->parent);
	}
	machine_unlock(machine);
	return error;
}

int process_adopt_space(struct vm_process *process, struct vm_process *nascent, const char *comm)
{
	struct vm_machine *machine = process->machine;
	int error = 0;

	/* Nobody else can find NASCENT, so its lock is not needed. */
	process_write_lock(process);
	struct vm_space *old = process->space;
	if (old == NULL) {
		error = -ESRCH;
	} else {
		machine_lock(machine);
		threads_withdraw_locked(old);
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

int vm_process_set_dump_filter(struct vm_process *process, unsigned filter)
{
	if (!vm_process_alive(process))
		return -ESRCH;
	machine_lock(process->machine);
	process->dump_filter = filter & DUMP_FILTER_BITS;
	machine_unlock(process->machine);
	return 0;
}

void vm_process_set_cwd(struct vm_process *process, const char *cwd)
{
	char *name = refstring_new(cwd);

	machine_lock(process->machine);
	if (find_living_locked(process->machine, process->pid) == process)
		set_cwd_locked(process, name);
	machine_unlock(process->machine);
	if (name != NULL)
		refstring_release(name);
}

char *vm_process_cwd(struct vm_process *process)
{
	machine_lock(process->machine);
	char *cwd = process->cwd != NULL && !process->zombie ? g_strdup(process->cwd) : NULL;
	machine_unlock(process->machine);
	return cwd;
}

void vm_process_set_group(struct vm_process *process, pid_t group, pid_t session)
{
	machine_lock(process->machine);
	process->group = group;
	process->session = session;
	machine_unlock(process->machine);
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

/*
 * Release what only a living process has: address space, files and descriptors. Done twice it does
 * nothing the second time. No lock is held: the files are released after the process lock, because
 * their dirty pages may have to be written.
 */
static void strip(struct vm_process *process)
{
	struct vm_area *dead = NULL;
	struct vm_file *exe = NULL;

	process_write_lock(process);
	struct vm_space *space = g_steal_pointer(&process->space);
	if (space != NULL)
		exe = space_free(space, &dead);
	struct array fds = process->fds;
	process->fds = (struct array){0};
	process_unlock(process);
	area_release(dead);
	file_release_mapping(exe);
	descriptors_close(process, &fds);
	machine_lock(process->machine);
	set_cwd_locked(process, NULL);
	machine_unlock(process->machine);
}

void vm_process_unref(struct vm_process *process)
{
	if (!g_atomic_int_dec_and_test(&process->refs))
		return;
	strip(process);
	event_free(process);
	tlb_free(process);
	environ_unref(process->machine, process->environ);
	pthread_rwlock_destroy(&process->lock);
	if (process->user != NULL) {
		machine_lock(process->machine);
		user_put_locked(process->machine, process->user);
		machine_unlock(process->machine);
	}
	g_free(process);
}

struct vm_process *vm_process_find(struct vm_machine *machine, pid_t pid)
{
	machine_lock(machine);
	struct vm_process *process = process_find_locked(machine, pid);
	if (process == NULL)
		process = threads_find_locked(machine, pid);
	if (process != NULL)
		vm_process_ref(process);
	machine_unlock(machine);
	return process;
}

struct vm_process *process_next_locked(struct vm_machine *machine, pid_t pid)
{
	struct treap_link *link = treap_above(machine->processes, (uint64_t)pid);

	return link != NULL ? LIST_ENTRY(link, struct vm_process, table) : NULL;
}

pid_t vm_machine_next_pid(struct vm_machine *machine, pid_t pid)
{
	machine_lock(machine);
	const struct vm_process *process = process_next_locked(machine, pid);
	pid_t next = process != NULL ? process->pid : 0;
	machine_unlock(machine);
	return next;
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
	bool alive = find_living_locked(process->machine, process->pid) == process;
	machine_unlock(process->machine);
	return alive;
}

bool vm_process_listed(struct vm_process *process)
{
	machine_lock(process->machine);
	bool listed = process_find_locked(process->machine, process->pid) == process;
	machine_unlock(process->machine);
	return listed;
}

/* --- The end ---------------------------------------------------------------------------------- */

/*
 * PROCESS, which has ended, has no children any more: they have no parent, and ppid 0. If there are
 * many, the lock is dropped meanwhile: some may end, but there will be no new ones, because PROCESS
 * is not found as a parent any more.
 */
static void leave_children_locked(struct vm_process *process)
{
	uint64_t step = 0;

	while (!list_empty(&process->children)) {
		struct vm_process *child =
		    LIST_ENTRY(process->children.next, struct vm_process, sibling);
		list_remove(&child->sibling);
		child->parent = NULL;
		child->ppid = 0;
		machine_yield_locked(process->machine, step++);
	}
}

/*
 * Take PROCESS from its parent, who gets the number of faults of PROCESS and its ended children
 * (wait_task_zombie adds cmin_flt, cmaj_flt), and out of the table. The caller drops the reference
 * of the table.
 */
static void unpublish_locked(struct vm_process *process)
{
	struct vm_machine *machine = process->machine;
	struct vm_process *parent = process->parent;

	treap_remove(&machine->processes, (uint64_t)process->pid);
	machine->process_count--;
	user_uncharge(machine, process->user, VM_PROCESSES, 1);
	process->zombie = false;
	if (parent == NULL)
		return;
	list_remove(&process->sibling);
	process->parent = NULL;
	parent->child_minor_faults += process->minor_faults + process->child_minor_faults;
	parent->child_major_faults += process->major_faults + process->child_major_faults;
}

/* What becomes of a process at its end. */
enum process_end { END_NOTHING, END_GONE, END_ZOMBIE };

/*
 * The life of PROCESS is over. END_NOTHING: it was over already. Otherwise the caller strips it,
 * and for END_GONE drops the reference of the table.
 */
static enum process_end end_life(struct vm_process *process)
{
	struct vm_machine *machine = process->machine;
	enum process_end end = END_NOTHING;

	machine_lock(machine);
	if (find_living_locked(machine, process->pid) == process) {
		end = process->kept ? END_ZOMBIE : END_GONE;
		threads_withdraw_locked(process->oom_space);
		process->oom_space = NULL;
		if (end == END_ZOMBIE)
			process->zombie = true;
		else
			unpublish_locked(process);
		leave_children_locked(process);
	}
	machine_unlock(machine);
	return end;
}

/* Tell the listener that PROCESS has ended with STATUS, that of wait4. */
static void tell_end(struct vm_process *process, int status)
{
	struct vm_machine *machine = process->machine;

	machine_lock(machine);
	vm_exit_fn fn = machine->on_exit;
	void *ctx = machine->on_exit_ctx;
	machine_unlock(machine);
	if (fn != NULL)
		fn(ctx, process, status);
}

static int process_end(struct vm_process *process, int status)
{
	enum process_end end = end_life(process);

	if (end == END_NOTHING)
		return -ESRCH;
	strip(process);
	if (end == END_ZOMBIE)
		tell_end(process, status);
	else
		vm_process_unref(process);
	return 0;
}

int vm_process_exit(struct vm_process *process, int status)
{
	return process_end(process, (status & 0xff) << 8);
}

int process_end_by_signal(struct vm_process *process, int signal)
{
	return process_end(process, signal);
}

int vm_process_kill(struct vm_process *process, int signal)
{
	if (signal < 0 || signal > SIGRTMAX)
		return -EINVAL;
	if (signal == 0 || signal == SIGCHLD || signal == SIGCONT || signal == SIGURG ||
	    signal == SIGWINCH)
		return vm_process_listed(process) ? 0 : -ESRCH;
	if (process_end_by_signal(process, signal) == 0)
		return 0;
	return vm_process_listed(process) ? 0 : -ESRCH;
}

/* --- Zombies ---------------------------------------------------------------------------------- */

int vm_process_keep(struct vm_process *process)
{
	machine_lock(process->machine);
	bool alive = find_living_locked(process->machine, process->pid) == process;
	if (alive)
		__atomic_store_n(&process->kept, true, __ATOMIC_RELAXED);
	machine_unlock(process->machine);
	return alive ? 0 : -ESRCH;
}

void vm_process_release(struct vm_process *process)
{
	machine_lock(process->machine);
	bool zombie = process->zombie;
	if (zombie)
		unpublish_locked(process);
	machine_unlock(process->machine);
	if (zombie)
		vm_process_unref(process);
}

void vm_machine_on_exit(struct vm_machine *machine, vm_exit_fn fn, void *ctx)
{
	machine_lock(machine);
	machine->on_exit = fn;
	machine->on_exit_ctx = ctx;
	machine_unlock(machine);
}
