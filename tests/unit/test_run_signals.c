/*
 * test_run_signals.c - signals of programs: the frame of a handler against a real one of this
 * host's kernel, masks, restarted calls, default actions, who may send what, alarms.
 */
#include "tests/fixture/run_fixture.h"
#include "util/nanoseconds.h"

#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	NR_RT_SIGPROCMASK = 14,
	NR_RT_SIGRETURN = 15,
	NR_PAUSE = 34,
	NR_NANOSLEEP = 35,
	NR_GETITIMER = 36,
	NR_ALARM = 37,
	NR_SETITIMER = 38,
	NR_KILL = 62,
	NR_RT_SIGPENDING = 127,
	NR_RT_SIGTIMEDWAIT = 128,
	NR_RT_SIGQUEUEINFO = 129,
	NR_RT_SIGSUSPEND = 130,
	NR_SIGALTSTACK = 131,
	NR_TGKILL = 234,
	NR_RESTART_SYSCALL = 219,
	FRAME = 440,
	HANDLER = 0x401234,
	AREA = 16384, /* bytes of a stack that are looked at */
};

#define DATA (RUN_MEMORY + 0x800)

/* --- The frame, against that of the host ------------------------------------------------------ */

struct fpu_end {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t size;
};

/*
 * Describe a frame: what is in it that does not depend on where it is. BYTES are the stack from
 * address AT on, FRAME is the address of the frame, INFO and CONTEXT the handler's arguments.
 */
static char *describe(const uint8_t *bytes, uint64_t at, uint64_t frame, uint64_t info,
                      uint64_t context)
{
	GString *out = g_string_new(NULL);
	const ucontext_t *uc = (const void *)(bytes + (context - at));
	const siginfo_t *si = (const void *)(bytes + (info - at));
	const greg_t *regs = uc->uc_mcontext.gregs;
	uint64_t fpu = (uint64_t)(uintptr_t)uc->uc_mcontext.fpregs;
	struct fpu_end end;
	uint32_t magic2;

	memcpy(&end, bytes + (fpu - at) + 464, sizeof end);
	memcpy(&magic2, bytes + (fpu - at) + end.size, sizeof magic2);
	g_string_append_printf(out, "info %ld context %ld flags %lx link %p stack %p %x %zu\n",
	                       (long)(info - frame), (long)(context - frame), uc->uc_flags,
	                       (void *)uc->uc_link, uc->uc_stack.ss_sp, uc->uc_stack.ss_flags,
	                       uc->uc_stack.ss_size);
	g_string_append_printf(out, "r12 %llx r13 %llx cs/ss %llx old %llx\n", regs[REG_R12],
	                       regs[REG_R13], regs[REG_CSGSFS] & 0xffff00000000ffff,
	                       regs[REG_OLDMASK]);
	g_string_append_printf(out, "mask %lx signo %d code %d\n", uc->uc_sigmask.__val[0],
	                       si->si_signo, si->si_code);
	g_string_append_printf(
	    out, "fpu %d %d magic %x %x size %u %d features %lx\n", fpu % 64 == 0,
	    fpu == (((uint64_t)regs[REG_RSP] - 128 - end.size - 4) & ~63ul), end.magic1, magic2,
	    end.size, end.extended_size == end.size + 4, end.features);
	g_string_append_printf(out, "place %d\n", frame == ((fpu - FRAME) & ~15ul) - 8);
	g_string_append_printf(out, "control %x mxcsr %x\n",
	                       *(const uint16_t *)(bytes + (fpu - at)),
	                       *(const uint32_t *)(bytes + (fpu - at) + 24));
	return g_string_free(out, FALSE);
}

static int host_pipe[2];

static void host_handler(int number, siginfo_t *info, void *context)
{
	uint64_t frame = (uint64_t)(uintptr_t)context - 8;
	g_autofree char *text = describe((const void *)(uintptr_t)frame, frame, frame,
	                                 (uint64_t)(uintptr_t)info, (uint64_t)(uintptr_t)context);

	_exit(write(host_pipe[1], text, strlen(text)) < 0);
}

/* What a real frame is like, of a program with 1 and 2 in r12 and r13 that sends itself USR1. */
static char *host_frame(void)
{
	char text[4096];
	size_t len = 0;
	ssize_t got;

	g_assert_cmpint(pipe(host_pipe), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct sigaction action = {.sa_sigaction = host_handler, .sa_flags = SA_SIGINFO};
		sigset_t set;
		/* A sanitizer may have set one. */
		sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_SETMASK, &set, NULL);
		sigaction(SIGUSR1, &action, NULL);
		pid = getpid();
		__asm__ volatile("mov $1, %%r12\n\tmov $2, %%r13\n\tsyscall" ::"a"(NR_KILL),
		                 "D"(pid), "S"(SIGUSR1)
		                 : "r12", "r13", "rcx", "r11", "memory");
		_exit(1);
	}
	close(host_pipe[1]);
	while ((got = read(host_pipe[0], text + len, sizeof text - len)) > 0)
		len += (size_t)got;
	close(host_pipe[0]);
	waitpid(pid, NULL, 0);
	return g_strndup(text, len);
}

static void test_frame(struct run_fixture *f, gconstpointer data)
{
	g_autofree char *host = host_frame();
	g_autofree uint8_t *stack = g_malloc(AREA);
	struct vm_regs *regs = run_regs(f->program);
	const uint64_t mask = signal_bit(SIGHUP);
	const stack_t none = {.ss_flags = SS_DISABLE};

	run_put(f->program, DATA, &none, sizeof none);
	run_call(f->program, NR_SIGALTSTACK, DATA, 0);
	run_handle(f->program, SIGUSR1, HANDLER, SA_SIGINFO, 0);
	run_put(f->program, DATA, &mask, sizeof mask);
	run_call(f->program, NR_RT_SIGPROCMASK, SIG_SETMASK, DATA, 0, 8);
	regs->r12 = 1;
	regs->r13 = 2;
	run_call(f->program, NR_KILL, (uint64_t)f->program->pid, SIGUSR1);
	g_assert_true(signal_return_to_user(f->program, 0));
	g_assert_cmphex(regs->rip, ==, HANDLER);
	g_assert_cmphex(regs->rdi, ==, SIGUSR1);
	run_get(f->program, RUN_STACK - AREA, stack, AREA);
	g_autofree char *ours = describe(stack, RUN_STACK - AREA, regs->rsp, regs->rsi, regs->rdx);
#if !defined(__SANITIZE_THREAD__)
	/* Else its runtime stands between the kernel and the handler: there is no frame to see. */
	g_assert_cmpstr(ours, ==, host);
#endif
	uint64_t restorer;
	run_get(f->program, regs->rsp, &restorer, sizeof restorer);
	g_assert_cmphex(restorer, ==, 0x401000);
}

/* --- There and back --------------------------------------------------------------------------- */

/* Return from the handler: the restorer takes its address from the stack. */
static void return_from_handler(struct program *program)
{
	run_regs(program)->rsp += 8;
	g_assert_true(run_call(program, NR_RT_SIGRETURN) == CALL_REGS_SET);
}

static void test_return(struct run_fixture *f, gconstpointer data)
{
	struct vm_regs *regs = run_regs(f->program);
	size_t len;
	uint8_t *fpu = vm_context_fpu(f->program->context, &len);

	run_handle(f->program, SIGUSR1, HANDLER, SA_SIGINFO, signal_bit(SIGTERM));
	fpu[160] = 77; /* xmm0 */
	regs->rbx = 3, regs->rax = 4, regs->rip = 0x401111, regs->eflags = 0x202 | 0x400;
	const struct vm_regs before = *regs;
	run_signal(f->program, SIGUSR1);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmphex(regs->rip, ==, HANDLER);
	g_assert_cmphex(regs->eflags, ==, 0x202);
	g_assert_cmphex(regs->rsp % 16, ==, 8);
	g_assert_cmphex(f->program->signals.blocked, ==, signal_bit(SIGUSR1) | signal_bit(SIGTERM));
	memset(vm_context_fpu(f->program->context, &len), 0, 500);
	regs->rbx = 99, regs->rax = 98;
	return_from_handler(f->program);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmphex(regs->rbx, ==, before.rbx);
	g_assert_cmphex(regs->rax, ==, before.rax);
	g_assert_cmphex(regs->rip, ==, before.rip);
	g_assert_cmphex(regs->rsp, ==, before.rsp);
	g_assert_cmphex(regs->eflags, ==, before.eflags);
	g_assert_cmphex(f->program->signals.blocked, ==, 0);
	fpu = vm_context_fpu(f->program->context, &len);
	g_assert_cmpint(fpu[160], ==, 77);
}

/* Frames that no kernel has made: the registers are still such as user code may have. */
static void test_hostile_frame(struct run_fixture *f, gconstpointer data)
{
	struct vm_regs *regs = run_regs(f->program);
	const uint64_t flags = UINT64_MAX, rip = UINT64_C(0x8000000000000000);
	const uint64_t selectors = 0x0010000000000008;
	const uint32_t mxcsr = UINT32_MAX;
	uint64_t fpu;
	size_t len;

	run_handle(f->program, SIGUSR1, HANDLER, SA_SIGINFO, 0);
	run_signal(f->program, SIGUSR1);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	const uint64_t context = regs->rdx + 40;
	run_put(f->program, context + 17 * 8, &flags, 8);
	run_put(f->program, context + 18 * 8, &selectors, 8);
	run_put(f->program, context + 16 * 8, &rip, 8);
	run_get(f->program, context + 184, &fpu, 8);
	run_put(f->program, fpu + 24, &mxcsr, 4);
	run_put(f->program, fpu + 520, &flags, 8);
	return_from_handler(f->program);
	g_assert_cmphex(regs->eflags, ==, 0x50dd5 | 0x202);
	g_assert_cmphex(regs->cs, ==, 0x33);
	g_assert_cmphex(regs->ss, ==, 0x2b);
	const uint8_t *area = vm_context_fpu(f->program->context, &len);
	g_assert_cmphex(*(const uint32_t *)(area + 24) & 0xffff0000, ==, 0);
	g_assert_cmphex(*(const uint64_t *)(area + 520), ==, 0);
	/* No processor is asked to go there. */
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmpint(f->program->status, ==, SIGSEGV);
}

static void test_no_frame(struct run_fixture *f, gconstpointer data)
{
	struct program *child = run_fork(f->program);

	/* Nothing to be read. */
	run_regs(f->program)->rsp = 0x1000;
	g_assert_true(run_call(f->program, NR_RT_SIGRETURN) == CALL_REGS_SET);
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmpint(f->program->status, ==, SIGSEGV);
	/* No room for a frame: neither for that of SIGSEGV. */
	run_handle(child, SIGUSR1, HANDLER, 0, 0);
	run_handle(child, SIGSEGV, HANDLER, 0, 0);
	run_regs(child)->rsp = 0x1000;
	run_signal(child, SIGUSR1);
	g_assert_false(signal_return_to_user(child, CALL_REGS_SET));
	g_assert_cmpint(child->status, ==, SIGSEGV);
	program_unref(child);
}

/* --- Calls that are interrupted --------------------------------------------------------------- */

static const struct restart_case {
	int64_t result;
	uint64_t flags;
	bool handler;
	uint64_t number; /* of the call that is made again; 0: none */
} restarts[] = {
    {-ERESTARTSYS, 0, true, 0},
    {-ERESTARTSYS, SA_RESTART, true, 5},
    {-ERESTARTSYS, 0, false, 5},
    {-ERESTARTNOINTR, 0, true, 5},
    {-ERESTARTNOHAND, SA_RESTART, true, 0},
    {-ERESTARTNOHAND, 0, false, 5},
    {-ERESTART_RESTARTBLOCK, SA_RESTART, true, 0},
    {-ERESTART_RESTARTBLOCK, 0, false, NR_RESTART_SYSCALL},
};

static void test_restart(struct run_fixture *f, gconstpointer data)
{
	struct vm_regs *regs = run_regs(f->program);

	for (size_t i = 0; i < G_N_ELEMENTS(restarts); i++) {
		const struct restart_case *c = &restarts[i];
		run_handle(f->program, SIGUSR1, c->handler ? HANDLER : 0, c->flags, 0);
		regs->rip = 0x401002;
		regs->rsp = RUN_STACK;
		regs->orig_rax = 5;
		if (c->handler)
			run_signal(f->program, SIGUSR1);
		g_assert_true(signal_return_to_user(f->program, c->result));
		if (c->handler)
			return_from_handler(f->program);
		f->program->signals.blocked = 0;
		g_assert_cmphex(regs->rip, ==, c->number != 0 ? 0x401000 : 0x401002);
		g_assert_cmpint((int64_t)regs->rax, ==,
		                c->number != 0 ? (int64_t)c->number : -EINTR);
	}
}

/* What the call answered is not lost while the program is stopped. */
static void test_restart_stopped(struct run_fixture *f, gconstpointer data)
{
	struct vm_regs *regs = run_regs(f->program);

	regs->rip = 0x401002;
	regs->orig_rax = 5;
	run_signal(f->program, SIGSTOP);
	g_assert_false(signal_return_to_user(f->program, -ERESTARTSYS));
	g_assert_cmpint(f->program->state, ==, PROGRAM_STOPPED);
	g_assert_cmpint(f->program->stop, ==, STOP_SIGNAL);
	run_signal(f->program, SIGCONT);
	run_resume(f->program);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmphex(regs->rip, ==, 0x401000);
	g_assert_cmphex(regs->rax, ==, 5);
}

static void test_nanosleep(struct run_fixture *f, gconstpointer data)
{
	const int64_t wanted[] = {2, 500};
	int64_t left[2] = {0};

	run_put(f->program, DATA, wanted, sizeof wanted);
	g_assert_true(run_call(f->program, NR_NANOSLEEP, DATA, DATA + 64) == CALL_SLEEPS);
	vm_machine_pass(f->mount.machine, NS_PER_SEC);
	/* Stopped and continued it sleeps on to the same moment. */
	run_signal(f->program, SIGSTOP);
	run_resume(f->program);
	g_assert_cmpint(run_call(f->program, NR_NANOSLEEP, DATA, DATA + 64), ==,
	                -ERESTART_RESTARTBLOCK);
	run_get(f->program, DATA + 64, left, sizeof left);
	g_assert_cmpint(left[0], ==, 1);
	g_assert_cmpint(left[1], ==, 500);
	g_assert_false(signal_return_to_user(f->program, -ERESTART_RESTARTBLOCK));
	run_signal(f->program, SIGCONT);
	run_resume(f->program);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_true(run_call(f->program, NR_RESTART_SYSCALL) == CALL_SLEEPS);
	g_assert_cmpint(f->program->deadline, ==, 2 * NS_PER_SEC + 500);
	vm_machine_pass(f->mount.machine, NS_PER_SEC + 500);
	run_lock(f->run);
	run_ready_locked(f->program);
	run_unlock(f->run);
	run_resume(f->program);
	g_assert_cmpint(run_call(f->program, NR_RESTART_SYSCALL), ==, 0);
}

/* --- Masks and flags -------------------------------------------------------------------------- */

static void test_flags(struct run_fixture *f, gconstpointer data)
{
	struct signals *signals = &f->program->signals;

	run_handle(f->program, SIGUSR1, HANDLER, SA_NODEFER | SA_RESETHAND, ~UINT64_C(0));
	run_signal(f->program, SIGUSR1);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmphex(signals->action[SIGUSR1 - 1].handler, ==, 0);
	/* Two are never blocked. */
	g_assert_cmphex(signals->blocked, ==, ~SIGNALS_SURE);
	return_from_handler(f->program);
	run_handle(f->program, SIGUSR1, HANDLER, SA_NODEFER, 0);
	run_signal(f->program, SIGUSR1);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmphex(signals->blocked, ==, 0);
	/* Without a restorer there is no handler. */
	const uint64_t bare[] = {HANDLER, 0, 0, 0};
	run_put(f->program, RUN_MEMORY, bare, sizeof bare);
	run_call(f->program, 13, SIGUSR2, RUN_MEMORY, 0, 8);
	run_signal(f->program, SIGUSR2);
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmpint(f->program->status, ==, SIGSEGV);
}

static void test_waiting(struct run_fixture *f, gconstpointer data)
{
	const uint64_t usr1 = signal_bit(SIGUSR1), none = 0;
	const int64_t second[] = {1, 0};
	siginfo_t info;
	uint64_t set;

	run_put(f->program, DATA, &usr1, 8);
	run_put(f->program, DATA + 8, &none, 8);
	run_put(f->program, DATA + 16, second, 16);
	run_call(f->program, NR_RT_SIGPROCMASK, SIG_BLOCK, DATA, 0, 8);
	/* sigtimedwait: by time, and by a signal. */
	g_assert_true(run_call(f->program, NR_RT_SIGTIMEDWAIT, DATA, 0, DATA + 16, 8) ==
	              CALL_SLEEPS);
	vm_machine_pass(f->mount.machine, NS_PER_SEC);
	run_lock(f->run);
	run_ready_locked(f->program);
	run_unlock(f->run);
	run_resume(f->program);
	g_assert_cmpint(run_call(f->program, NR_RT_SIGTIMEDWAIT, DATA, 0, DATA + 16, 8), ==,
	                -EAGAIN);
	g_assert_true(run_call(f->program, NR_RT_SIGTIMEDWAIT, DATA, DATA + 64, 0, 8) ==
	              CALL_SLEEPS);
	run_signal(f->program, SIGUSR1);
	run_resume(f->program);
	g_assert_cmpint(run_call(f->program, NR_RT_SIGTIMEDWAIT, DATA, DATA + 64, 0, 8), ==,
	                SIGUSR1);
	run_get(f->program, DATA + 64, &info, sizeof info);
	g_assert_cmpint(info.si_pid, ==, 77);
	/* sigpending, and sigsuspend with the handler under the old mask. */
	run_handle(f->program, SIGUSR1, HANDLER, 0, 0);
	run_signal(f->program, SIGUSR1);
	run_call(f->program, NR_RT_SIGPENDING, DATA + 64, 8);
	run_get(f->program, DATA + 64, &set, 8);
	g_assert_cmphex(set, ==, usr1);
	g_assert_cmpint(run_call(f->program, NR_RT_SIGSUSPEND, DATA + 8, 8), ==, -ERESTARTNOHAND);
	g_assert_cmphex(f->program->signals.blocked, ==, 0);
	g_assert_true(signal_return_to_user(f->program, -ERESTARTNOHAND));
	g_assert_cmphex(run_regs(f->program)->rip, ==, HANDLER);
	g_assert_cmphex(f->program->signals.blocked, ==, usr1);
	return_from_handler(f->program);
	g_assert_cmphex(f->program->signals.blocked, ==, usr1);
	g_assert_cmpint((int64_t)run_regs(f->program)->rax, ==, -EINTR);
}

static void test_stack(struct run_fixture *f, gconstpointer data)
{
	stack_t stack = {.ss_sp = (void *)(uintptr_t)(RUN_MEMORY + 0x1000), .ss_size = 2000}, old;
	struct vm_regs *regs = run_regs(f->program);

	run_put(f->program, DATA, &stack, sizeof stack);
	g_assert_cmpint(run_call(f->program, NR_SIGALTSTACK, DATA, 0), ==, -ENOMEM);
	stack.ss_flags = 77;
	run_put(f->program, DATA, &stack, sizeof stack);
	g_assert_cmpint(run_call(f->program, NR_SIGALTSTACK, DATA, 0), ==, -EINVAL);
	stack.ss_flags = 0;
	stack.ss_size = 0x4000;
	run_put(f->program, DATA, &stack, sizeof stack);
	g_assert_cmpint(run_call(f->program, NR_SIGALTSTACK, DATA, DATA + 64), ==, 0);
	run_get(f->program, DATA + 64, &old, sizeof old);
	g_assert_cmpint(old.ss_flags, ==, SS_DISABLE);
	run_handle(f->program, SIGUSR1, HANDLER, SA_ONSTACK, 0);
	run_signal(f->program, SIGUSR1);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmphex(regs->rsp, >, RUN_MEMORY + 0x1000);
	g_assert_cmphex(regs->rsp, <, RUN_MEMORY + 0x5000);
	g_assert_cmpint(run_call(f->program, NR_SIGALTSTACK, DATA, 0), ==, -EPERM);
	run_call(f->program, NR_SIGALTSTACK, 0, DATA + 64);
	run_get(f->program, DATA + 64, &old, sizeof old);
	g_assert_cmpint(old.ss_flags, ==, SS_ONSTACK);
	return_from_handler(f->program);
	g_assert_cmphex(regs->rsp, ==, RUN_STACK);
	/* A stack that is too small for a frame is no place for a handler. */
	stack.ss_size = 2048;
	run_put(f->program, DATA, &stack, sizeof stack);
	g_assert_cmpint(run_call(f->program, NR_SIGALTSTACK, DATA, 0), ==, 0);
	run_signal(f->program, SIGUSR1);
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmpint(f->program->status, ==, SIGSEGV);
}

/* --- What signals do -------------------------------------------------------------------------- */

static void test_defaults(struct run_fixture *f, gconstpointer data)
{
	static const int ignored[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
	struct signals *signals = &f->program->signals;

	for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++) {
		run_signal(f->program, ignored[i]);
		g_assert_cmphex(signals->pending, ==, 0);
	}
	/* One that is blocked may get a handler; it is gone once it is ignored. */
	signals->blocked = signal_bit(SIGUSR1);
	run_signal(f->program, SIGUSR1);
	g_assert_cmphex(signals->pending, ==, signal_bit(SIGUSR1));
	g_assert_false(signal_pending_locked(f->program));
	run_handle(f->program, SIGUSR1, (uintptr_t)SIG_IGN, 0, 0);
	g_assert_cmphex(signals->pending, ==, 0);
	/* Stop signals and SIGCONT take each other away. */
	signals->blocked = signal_bit(SIGTSTP) | signal_bit(SIGCONT);
	run_signal(f->program, SIGTSTP);
	run_signal(f->program, SIGCONT);
	g_assert_cmphex(signals->pending, ==, signal_bit(SIGCONT));
	run_signal(f->program, SIGTSTP);
	g_assert_cmphex(signals->pending, ==, signal_bit(SIGTSTP));
	/* SIGKILL ends one that is stopped. */
	signals->blocked = 0;
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	run_signal(f->program, SIGTERM);
	g_assert_cmpint(f->program->state, ==, PROGRAM_STOPPED);
	run_signal(f->program, SIGKILL);
	run_resume(f->program);
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmpint(f->program->status, ==, SIGKILL);
	run_signal(f->program, SIGTERM);
	g_assert_cmpint(f->program->state, ==, PROGRAM_ENDED);
}

static const struct {
	unsigned vector;
	int number, code;
	bool address;
} exceptions[] = {
    {0, SIGFPE, FPE_INTDIV, true},   {1, SIGTRAP, TRAP_BRKPT, true},
    {3, SIGTRAP, SI_KERNEL, false},  {4, SIGSEGV, SI_KERNEL, false},
    {5, SIGSEGV, SI_KERNEL, false},  {6, SIGILL, ILL_ILLOPN, true},
    {11, SIGBUS, SI_KERNEL, false},  {12, SIGBUS, SI_KERNEL, false},
    {13, SIGSEGV, SI_KERNEL, false}, {17, SIGBUS, BUS_ADRALN, false},
};

static void test_exceptions(struct run_fixture *f, gconstpointer data)
{
	struct signals *signals = &f->program->signals;
	struct vm_regs *regs = run_regs(f->program);

	regs->rip = 0x401000;
	for (size_t i = 0; i < G_N_ELEMENTS(exceptions); i++) {
		int number = exceptions[i].number;
		signal_exception(f->program, exceptions[i].vector, 0);
		g_assert_cmphex(signals->pending, ==, signal_bit(number));
		const siginfo_t *info = &signals->info[number - 1];
		g_assert_cmpint(info->si_code, ==, exceptions[i].code);
		g_assert_cmphex((uint64_t)(uintptr_t)info->si_addr, ==,
		                exceptions[i].address ? regs->rip : 0);
		signals->pending = 0;
	}
	/* Division by zero by SSE. */
	size_t len;
	uint8_t *fpu = vm_context_fpu(f->program->context, &len);
	const uint32_t mxcsr = 0x1f80 & ~0x200u;
	memcpy(fpu + 24, &(uint32_t){mxcsr | 4}, 4);
	signal_exception(f->program, 19, 0);
	g_assert_cmpint(signals->info[SIGFPE - 1].si_code, ==, FPE_FLTDIV);
	signals->pending = 0;
	memcpy(fpu + 24, &mxcsr, 4);
	signal_exception(f->program, 19, 0);
	g_assert_cmphex(signals->pending, ==, 0);
	/* A fault that is blocked ends the program, also if it has a handler. */
	run_handle(f->program, SIGSEGV, HANDLER, 0, 0);
	signals->blocked = signal_bit(SIGSEGV);
	signal_force(f->program, SIGSEGV, SEGV_MAPERR, 0x123, 14, 6);
	g_assert_false(signal_return_to_user(f->program, CALL_REGS_SET));
	g_assert_cmpint(f->program->status, ==, SIGSEGV);
}

static void test_fault_frame(struct run_fixture *f, gconstpointer data)
{
	uint64_t found[4];

	run_handle(f->program, SIGSEGV, HANDLER, SA_SIGINFO, 0);
	signal_force(f->program, SIGSEGV, SEGV_ACCERR, 0x123, 14, 7);
	g_assert_true(signal_return_to_user(f->program, CALL_REGS_SET));
	/* err, trapno, oldmask, cr2 */
	run_get(f->program, run_regs(f->program)->rdx + 40 + 152, found, sizeof found);
	g_assert_cmphex(found[0], ==, 7);
	g_assert_cmphex(found[1], ==, 14);
	g_assert_cmphex(found[3], ==, 0x123);
}

/* --- Who may send ----------------------------------------------------------------------------- */

static int64_t kill_by(struct program *program, int64_t pid, int number)
{
	return run_call(program, NR_KILL, (uint64_t)pid, (uint64_t)number);
}

static void test_kill(struct run_fixture *f, gconstpointer data)
{
	struct program *other = run_spawn(f, RUN_OTHER), *root = run_spawn(f, 0);
	struct program *child = run_fork(f->program);
	pid_t me = f->program->pid;

	g_assert_cmpint(kill_by(f->program, other->pid, 0), ==, -EPERM);
	g_assert_cmpint(kill_by(root, other->pid, 0), ==, 0);
	g_assert_cmpint(kill_by(f->program, 99, 0), ==, -ESRCH);
	g_assert_cmpint(kill_by(f->program, me, 65), ==, -EINVAL);
	g_assert_cmpint(run_call(f->program, NR_TGKILL, (uint64_t)me, (uint64_t)other->pid, 0), ==,
	                -ESRCH);
	/* A group: all in it whom one may signal. */
	g_assert_cmpint(kill_by(child, 0, SIGUSR1), ==, 0);
	g_assert_cmphex(f->program->signals.pending, ==, signal_bit(SIGUSR1));
	g_assert_cmphex(child->signals.pending, ==, signal_bit(SIGUSR1));
	g_assert_cmphex(other->signals.pending, ==, 0);
	g_assert_cmpint(kill_by(f->program, -other->pid, SIGUSR1), ==, -EPERM);
	g_assert_cmpint(kill_by(f->program, -99, SIGUSR1), ==, -ESRCH);
	/* Everybody but oneself. */
	g_assert_cmpint(kill_by(root, -1, SIGUSR2), ==, 0);
	g_assert_cmphex(other->signals.pending, ==, signal_bit(SIGUSR2));
	g_assert_cmphex(root->signals.pending, ==, 0);
	/* To a zombie nothing happens; nobody may say he is the kernel. */
	program_exit(child, 0);
	g_assert_cmpint(kill_by(f->program, child->pid, SIGUSR1), ==, 0);
	const siginfo_t info = signal_info(SIGUSR1, SI_KERNEL, 0, 0);
	run_put(root, DATA, &info, sizeof info);
	g_assert_cmpint(run_call(root, NR_RT_SIGQUEUEINFO, (uint64_t)me, SIGUSR1, DATA), ==,
	                -EPERM);
	program_unref(child);
	program_unref(other);
	program_unref(root);
}

static void test_kill_process(struct run_fixture *f, gconstpointer data)
{
	const struct vm_cred cred = {RUN_USER, RUN_USER}, others = {RUN_OTHER, RUN_OTHER};
	int error;
	struct vm_process *mine = vm_process_spawn(f->mount.machine, &cred, "mine", &error);
	struct vm_process *other = vm_process_spawn(f->mount.machine, &others, "other", &error);

	g_assert_cmpint(kill_by(f->program, vm_process_pid(mine), SIGTERM), ==, 0);
	g_assert_cmpint(kill_by(f->program, vm_process_pid(other), SIGTERM), ==, -EPERM);
	g_assert_false(vm_process_alive(mine));
	g_assert_true(vm_process_alive(other));
	vm_process_unref(mine);
	vm_process_unref(other);
}

/* --- Alarms ----------------------------------------------------------------------------------- */

static void test_alarms(struct run_fixture *f, gconstpointer data)
{
	struct itimerval timer = {{0, 250000}, {0, 500000}};

	g_assert_cmpint(run_call(f->program, NR_ALARM, 3), ==, 0);
	g_assert_cmpint(run_call(f->program, NR_ALARM, 2), ==, 3);
	run_put(f->program, DATA, &timer, sizeof timer);
	g_assert_cmpint(run_call(f->program, NR_SETITIMER, ITIMER_REAL, DATA, DATA + 64), ==, 0);
	run_get(f->program, DATA + 64, &timer, sizeof timer);
	g_assert_cmpint(timer.it_value.tv_sec, ==, 2);
	g_assert_cmpint(run_call(f->program, NR_SETITIMER, ITIMER_PROF, DATA, 0), ==, -EINVAL);
	int64_t now = run_now(f->run);
	run_lock(f->run);
	g_assert_cmpint(signal_alarms_locked(f->run, now), ==, now + 500 * NS_PER_MS);
	g_assert_cmphex(f->program->signals.pending, ==, 0);
	/*
	 * Late: those in between are lost, and the next one is in step. As long as this one was not
	 * taken, the next one would not be noticed.
	 */
	g_assert_cmpint(signal_alarms_locked(f->run, now + 1100 * NS_PER_MS), ==, INT64_MAX);
	g_assert_cmphex(f->program->signals.pending, ==, signal_bit(SIGALRM));
	f->program->signals.pending = 0;
	g_assert_cmpint(signal_alarms_locked(f->run, now + 1100 * NS_PER_MS), ==,
	                now + 1250 * NS_PER_MS);
	run_unlock(f->run);
	g_assert_cmpint(run_call(f->program, NR_ALARM, 0), >, 0);
	run_lock(f->run);
	g_assert_cmpint(signal_alarms_locked(f->run, now), ==, INT64_MAX);
	run_unlock(f->run);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(struct run_fixture *f, gconstpointer data);
	} tests[] = {
	    {"frame", test_frame},
	    {"return", test_return},
	    {"hostile", test_hostile_frame},
	    {"no-frame", test_no_frame},
	    {"restart", test_restart},
	    {"stopped", test_restart_stopped},
	    {"nanosleep", test_nanosleep},
	    {"flags", test_flags},
	    {"waiting", test_waiting},
	    {"stack", test_stack},
	    {"defaults", test_defaults},
	    {"exceptions", test_exceptions},
	    {"fault-frame", test_fault_frame},
	    {"kill", test_kill},
	    {"kill-process", test_kill_process},
	    {"alarms", test_alarms},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/run-signals/%s", tests[i].name);
		g_test_add(path, struct run_fixture, NULL, run_setup, tests[i].test, run_teardown);
	}
	return g_test_run();
}
