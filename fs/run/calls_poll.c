/*
 * calls_poll.c - poll, select and their kind.
 *
 * A call that waits sleeps until anything is woken, and looks at all its files again.
 */
#include "fs/run/calls.h"
#include "fs/run/calltime.h"
#include "fs/run/kind.h"
#include "util/nanoseconds.h"

#include <poll.h>
#include <string.h>
#include <sys/select.h>

/* --- What they share -------------------------------------------------------------------------- */

/* Look at COUNT descriptors: set `revents` of each. Returns how many have any. run->lock held. */
static int look_locked(struct pollfd *fds, struct vm_file **files, size_t count)
{
	int ready = 0;

	for (size_t i = 0; i < count; i++) {
		short always = POLLERR | POLLHUP | POLLNVAL, bits = 0;
		if (fds[i].fd < 0)
			bits = 0;
		else if (files[i] == NULL || kind_of(files[i])->path_only)
			bits = POLLNVAL;
		else
			bits = (short)(kind_of(files[i])->poll_locked(files[i]) &
			               (fds[i].events | always));
		fds[i].revents = bits;
		ready += bits != 0;
	}
	return ready;
}

/* How long a call waits: not at all, for ever, or so many ns. */
enum { WAIT_EVER = -1 };

/* When the call that may wait TIMEOUT is over: a time of run_now, or -1. */
static int64_t deadline_of(const struct call *call, int64_t timeout)
{
	if (call->program->again)
		return call->program->deadline;
	int64_t now = run_now(call->run);
	return timeout == WAIT_EVER ? -1 : timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
}

/*
 * Wait until one of FDS is ready. Returns how many are, 0 when the time is over, or what
 * call_sleep_locked returns.
 */
static int64_t wait_ready(struct call *call, struct pollfd *fds, size_t count, int64_t timeout)
{
	g_autofree struct vm_file **files = g_new0(struct vm_file *, MAX(count, 1));
	int64_t deadline = deadline_of(call, timeout);

	for (size_t i = 0; i < count; i++)
		files[i] = fds[i].fd < 0 ? NULL : vm_process_file(call->process, fds[i].fd);
	run_lock(call->run);
	int64_t result = look_locked(fds, files, count);
	if (result == 0 && timeout != 0 && !call_timed_out(call))
		result = call_sleep_locked(call, NULL, deadline);
	run_unlock(call->run);
	for (size_t i = 0; i < count; i++)
		if (files[i] != NULL)
			vm_file_unref(files[i]);
	return result;
}

/* A timeout in ns from the struct timespec at VA; 0: for ever. */
static int timeout_get(struct call *call, uint64_t va, int64_t *timeout)
{
	struct timespec time;

	*timeout = WAIT_EVER;
	if (va == 0)
		return 0;
	if (call_get(call, va, &time, sizeof time) != 0)
		return -EFAULT;
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	time.tv_sec = MIN(time.tv_sec, CALL_LONGEST);
	*timeout = ns_from_timespec(&time);
	return 0;
}

/* Store what is left of the time, as Linux does (poll_select_finish). */
static void timeout_put(struct call *call, uint64_t va, int64_t deadline, bool micro)
{
	if (va == 0 || deadline < 0)
		return;
	struct timespec left = ns_to_timespec(MAX(deadline - run_now(call->run), 0));
	if (micro)
		left.tv_nsec /= NS_PER_US;
	/* If it cannot be stored, that is no error. */
	call_put(call, va, &left, sizeof left);
}

/*
 * ppoll and pselect6: while the call waits, MASK is blocked. The mask before is what a handler
 * returns to, or is set again when the call ends without one.
 */
static int mask_begin(struct call *call, uint64_t va, uint64_t size)
{
	struct signals *signals = &call->program->signals;
	uint64_t mask;

	if (va == 0 || call->program->again)
		return 0;
	if (size != sizeof mask)
		return -EINVAL;
	if (call_get(call, va, &mask, sizeof mask) != 0)
		return -EFAULT;
	run_lock(call->run);
	signals->saved_blocked = signals->blocked;
	signals->restore_blocked = true;
	signals->blocked = mask & ~(UINT64_C(1) << (SIGKILL - 1)) & ~(UINT64_C(1) << (SIGSTOP - 1));
	run_unlock(call->run);
	return 0;
}

static void mask_end(struct call *call, uint64_t va, int64_t result)
{
	struct signals *signals = &call->program->signals;

	if (va == 0 || result == CALL_SLEEPS || result == -ERESTARTNOHAND)
		return;
	run_lock(call->run);
	if (signals->restore_blocked)
		signals->blocked = signals->saved_blocked;
	signals->restore_blocked = false;
	run_unlock(call->run);
}

/* --- poll ------------------------------------------------------------------------------------- */

static int64_t do_poll(struct call *call, int64_t timeout)
{
	uint64_t va = call->arg[0];
	unsigned count = (unsigned)call->arg[1];

	if (count > VM_MAX_FDS)
		return -EINVAL;
	g_autofree struct pollfd *fds = g_new(struct pollfd, MAX(count, 1));
	if (call_get(call, va, fds, count * sizeof *fds) != 0)
		return -EFAULT;
	int64_t result = wait_ready(call, fds, count, timeout);
	if (result == CALL_SLEEPS)
		return result;
	for (unsigned i = 0; i < count; i++)
		if (call_put(call, va + i * sizeof *fds + offsetof(struct pollfd, revents),
		             &fds[i].revents, sizeof fds[i].revents) != 0)
			return -EFAULT;
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

int64_t sys_poll(struct call *call)
{
	int timeout = (int)call->arg[2];

	return do_poll(call, timeout < 0 ? WAIT_EVER : timeout * NS_PER_MS);
}

int64_t sys_ppoll(struct call *call)
{
	int64_t timeout;
	int error = timeout_get(call, call->arg[2], &timeout);

	if (error == 0)
		error = mask_begin(call, call->arg[3], call->arg[4]);
	if (error != 0)
		return error;
	int64_t deadline = deadline_of(call, timeout);
	int64_t result = do_poll(call, timeout);
	mask_end(call, call->arg[3], result);
	if (result >= 0)
		timeout_put(call, call->arg[2], deadline, false);
	return result;
}

/* --- select ----------------------------------------------------------------------------------- */

enum { SETS = 3 };

/* What each set of select asks for and accepts (fs/select.c). */
static const struct {
	short asks, accepts;
} set_bits[SETS] = {
    {POLLIN, POLLIN | POLLRDNORM | POLLHUP | POLLERR},
    {POLLOUT, POLLOUT | POLLWRNORM | POLLERR},
    {POLLPRI, POLLPRI},
};

static bool set_has(const fd_set *set, int fd)
{
	return FD_ISSET(fd, set);
}

/* The descriptors in SETS, as poll wants them. Returns how many, or -EBADF: one is not open. */
static int64_t list_sets(struct call *call, const fd_set *sets, int count, struct pollfd *fds)
{
	int64_t n = 0;

	for (int fd = 0; fd < count; fd++) {
		struct pollfd entry = {.fd = fd};
		for (int i = 0; i < SETS; i++)
			if (set_has(&sets[i], fd))
				entry.events |= set_bits[i].asks | set_bits[i].accepts;
		if (entry.events == 0)
			continue;
		if (vm_process_cloexec(call->process, fd) < 0)
			return -EBADF;
		fds[n++] = entry;
	}
	return n;
}

/* Keep in SETS what is ready. Returns how many bits. */
static int64_t keep_ready(fd_set *sets, const struct pollfd *fds, int64_t n)
{
	fd_set before[SETS];
	int64_t ready = 0;

	memcpy(before, sets, sizeof before);
	memset(sets, 0, sizeof before);
	for (int64_t i = 0; i < n; i++)
		for (int set = 0; set < SETS; set++)
			if (set_has(&before[set], fds[i].fd) &&
			    (fds[i].revents & set_bits[set].accepts)) {
				FD_SET(fds[i].fd, &sets[set]);
				ready++;
			}
	return ready;
}

static int64_t do_select(struct call *call, int64_t timeout)
{
	int count = (int)MIN((uint64_t)(unsigned)call->arg[0], VM_MAX_FDS);
	size_t size = ((size_t)count + 63) / 64 * sizeof(uint64_t);
	struct pollfd fds[VM_MAX_FDS];
	fd_set sets[SETS];

	if ((int)call->arg[0] < 0)
		return -EINVAL;
	memset(sets, 0, sizeof sets);
	for (int i = 0; i < SETS; i++)
		if (call->arg[1 + i] != 0 && call_get(call, call->arg[1 + i], &sets[i], size) != 0)
			return -EFAULT;
	int64_t n = list_sets(call, sets, count, fds);
	if (n < 0)
		return n;
	int64_t result = wait_ready(call, fds, (size_t)n, timeout);
	if (result < 0)
		return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
	result = keep_ready(sets, fds, n);
	for (int i = 0; i < SETS; i++)
		if (call->arg[1 + i] != 0 && call_put(call, call->arg[1 + i], &sets[i], size) != 0)
			return -EFAULT;
	return result;
}

int64_t sys_select(struct call *call)
{
	struct timeval time;
	int64_t timeout = WAIT_EVER;

	if (call->arg[4] != 0) {
		if (call_get(call, call->arg[4], &time, sizeof time) != 0)
			return -EFAULT;
		if (time.tv_sec < 0 || time.tv_usec < 0)
			return -EINVAL;
		timeout = time.tv_sec >= INT64_MAX / NS_PER_SEC / 2
		              ? INT64_MAX - 1
		              : time.tv_sec * NS_PER_SEC +
		                    MIN(time.tv_usec, INT64_MAX / NS_PER_SEC / 2) * NS_PER_US;
	}
	int64_t deadline = deadline_of(call, timeout);
	int64_t result = do_select(call, timeout);
	if (result >= 0)
		timeout_put(call, call->arg[4], deadline, true);
	return result;
}

int64_t sys_pselect6(struct call *call)
{
	struct {
		uint64_t va, size;
	} mask = {0, 0};
	int64_t timeout;
	int error = timeout_get(call, call->arg[4], &timeout);

	if (error == 0 && call->arg[5] != 0)
		error = call_get(call, call->arg[5], &mask, sizeof mask);
	if (error == 0)
		error = mask_begin(call, mask.va, mask.size);
	if (error != 0)
		return error;
	int64_t deadline = deadline_of(call, timeout);
	int64_t result = do_select(call, timeout);
	mask_end(call, mask.va, result);
	if (result >= 0)
		timeout_put(call, call->arg[4], deadline, false);
	return result;
}
