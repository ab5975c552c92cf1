#include "vm/base/guest.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	QUIET_US = 30,     /* nobody has taken the lock for this time: it is quiet */
	LONGEST_US = 2000, /* how long user code stays out at most */
};

/* The signal that interrupts the ioctl in which user code runs. */
static int kick_signal(void)
{
	return SIGRTMIN + 2;
}

static void do_nothing(int number)
{
}

void guest_init(void)
{
	static __thread bool done;
	/* The ioctl is interrupted all the same. Nothing else in this program must be. */
	struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
	sigset_t set;

	if (done)
		return;
	done = true;
	sigemptyset(&action.sa_mask);
	sigaction(kick_signal(), &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, kick_signal());
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void guest_wait_begin(struct vm_machine *machine)
{
	__atomic_add_fetch(&machine->guest.waiters, 1, __ATOMIC_SEQ_CST);
	guest_kick(machine);
}

void guest_wait_end(struct vm_machine *machine)
{
	__atomic_sub_fetch(&machine->guest.waiters, 1, __ATOMIC_SEQ_CST);
}

void guest_kick(struct vm_machine *machine)
{
	struct vm_guest *guest = &machine->guest;

	if (!__atomic_load_n(&guest->runs, __ATOMIC_SEQ_CST))
		return;
	/* The thread may leave user code by itself just now. Then the next entry ends at once. */
	__atomic_store_n(guest->leave, 1, __ATOMIC_SEQ_CST);
	/* By its number: it may have ended, and then nothing happens. */
	syscall(SYS_tgkill, getpid(), __atomic_load_n(&guest->thread, __ATOMIC_RELAXED),
	        kick_signal());
}

bool guest_enter_locked(struct vm_machine *machine, bool even)
{
	struct vm_guest *guest = &machine->guest;

	__atomic_store_n(&guest->thread, gettid(), __ATOMIC_RELAXED);
	__atomic_store_n(&guest->runs, true, __ATOMIC_SEQ_CST);
	if (even ||
	    (__atomic_load_n(&guest->waiters, __ATOMIC_SEQ_CST) == 0 && !guest_is_held(machine)))
		return true;
	guest_leave_locked(machine);
	return false;
}

void guest_leave_locked(struct vm_machine *machine)
{
	__atomic_store_n(&machine->guest.runs, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(machine->guest.leave, 0, __ATOMIC_SEQ_CST);
}

void guest_stay_out(struct vm_machine *machine)
{
	struct vm_guest *guest = &machine->guest;
	int64_t end = ns_now(CLOCK_MONOTONIC) + LONGEST_US * NS_PER_US;
	struct timespec quiet = ns_to_timespec(QUIET_US * NS_PER_US);
	uint64_t before, after = __atomic_load_n(&guest->locks, __ATOMIC_RELAXED);

	do {
		before = after;
		nanosleep(&quiet, NULL);
		after = __atomic_load_n(&guest->locks, __ATOMIC_RELAXED);
	} while ((after != before || guest_is_held(machine) ||
	          __atomic_load_n(&guest->waiters, __ATOMIC_SEQ_CST) > 0) &&
	         ns_now(CLOCK_MONOTONIC) < end);
}
