/*
 * host_machine.c - the processes that run a random program on the host's kernel.
 *
 * This program has no library, so that its whole address space is known. Its code, data and stacks
 * and the shared memory lie below HOST_END. The heap starts where the engine's does. vdso and vvar
 * are unmapped. So the addresses that the kernel chooses can be compared directly.
 *
 * The first process forks slot 0 for each program. It is also the parent of all other processes
 * (CLONE_PARENT). It waits for each process that ends, and only then passes the turn on, so that an
 * exit is complete before the next step. The process that has the turn runs its steps until the
 * next step belongs to another slot.
 */
#include "tests/differential/protocol.h"
#include "util/linux_constants.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { SIGNAL_STACK_SIZE = 1 << 15, PAGE_SIZE = 4096 };

static struct shared *const shared = (struct shared *)HOST_SHARED;
static uint8_t signal_stack[SIGNAL_STACK_SIZE];
static uint8_t mincore_vector[MINCORE_ROOM];
/* Result of the last probe. */
static volatile int fault_signal, fault_code;

/*
 * The break starts after the last segment. The linker puts this page there; it is unmapped at once.
 */
__asm__(".section .anchor,\"aw\",@progbits\n.skip 4096, 1\n.text\n");

void *memset(void *to, int byte, size_t len);
void *memcpy(void *to, const void *from, size_t len);
void host_main(void);
void restore_signal(void);

/* The compiler may insert calls to these. */
void *memset(void *to, int byte, size_t len)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(len) : : "memory");
	return to;
}

/* --- System calls ----------------------------------------------------------------------------- */

static int64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	int64_t result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}

static int64_t call_args(long number, const uint64_t arg[MAX_ARGS])
{
	return call(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static void quit(int status)
{
	for (;;)
		call(SYS_exit_group, (uint64_t)status, 0, 0, 0, 0, 0);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void pass_turn(uint32_t turn)
{
	__atomic_store_n(&shared->turn, turn, __ATOMIC_RELEASE);
	call(SYS_futex, (uint64_t)&shared->turn, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

static void await_turn(uint32_t turn)
{
	uint32_t now;

	while ((now = __atomic_load_n(&shared->turn, __ATOMIC_ACQUIRE)) != turn)
		call(SYS_futex, (uint64_t)&shared->turn, FUTEX_WAIT, now, 0, 0, 0);
}

static unsigned count_alive(void)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		alive += shared->alive[i];
	return alive;
}

/* --- Probing ---------------------------------------------------------------------------------- */

/*
 * Three instructions of two bytes each. The signal handler skips the one that faulted. If the call
 * has jumped before the fault, the handler returns to where it came from.
 */
extern const uint8_t probe_load_at[], probe_store_at[], probe_fetch_at[];
uint8_t probe_load(uint64_t address);
void probe_store(uint64_t address, uint8_t byte);
void probe_fetch(uint64_t address);
static volatile uint64_t fetched;
__asm__(".text\n"
        "probe_load: xorl %eax, %eax\n"
        "probe_load_at: movb (%rdi), %al\n"
        "ret\n"
        "probe_store: movl %esi, %eax\n"
        "probe_store_at: movb %al, (%rdi)\n"
        "ret\n"
        "probe_fetch:\n"
        "probe_fetch_at: call *%rdi\n"
        "ret\n"
        "restore_signal: movl $15, %eax\n" /* rt_sigreturn */
        "syscall\n");

static void on_signal(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs, *rip = &registers[REG_RIP];
	bool stepped_over = *rip == (greg_t)probe_load_at || *rip == (greg_t)probe_store_at ||
	                    *rip == (greg_t)probe_fetch_at;

	if (!stepped_over && *rip != (greg_t)fetched)
		quit(98);
	fault_signal = number;
	fault_code = info->si_code;
	if (stepped_over) {
		*rip += 2;
		return;
	}
	*rip = *(const greg_t *)registers[REG_RSP];
	registers[REG_RSP] += (greg_t)sizeof(greg_t);
}

/* The kernel's struct sigaction, which differs from the C library's. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

static void catch_signals(void)
{
	static const stack_t stack = {.ss_sp = signal_stack, .ss_size = SIGNAL_STACK_SIZE};
	static const struct kernel_sigaction action = {.handler = on_signal,
	                                               .flags = SA_SIGINFO | SA_ONSTACK |
	                                                        SA_NODEFER | SA_RESTORER,
	                                               .restorer = restore_signal};

	call(SYS_sigaltstack, (uint64_t)&stack, 0, 0, 0, 0, 0);
	call(SYS_rt_sigaction, SIGSEGV, (uint64_t)&action, 0, sizeof action.mask, 0, 0);
	call(SYS_rt_sigaction, SIGBUS, (uint64_t)&action, 0, sizeof action.mask, 0, 0);
}

static void take_signal(struct outcome *outcome)
{
	outcome->signal = fault_signal;
	outcome->code = fault_code;
	fault_signal = fault_code = 0;
}

static void run_load(const struct step *step, struct outcome *outcome)
{
	outcome->value = HASH_START;
	while (outcome->result < (int64_t)step->arg[1]) {
		uint8_t byte = probe_load(step->arg[0] + (uint64_t)outcome->result);
		if (fault_signal != 0)
			break;
		outcome->value = hash_step(outcome->value, byte);
		outcome->result++;
	}
	take_signal(outcome);
}

static void run_store(const struct step *step, struct outcome *outcome)
{
	while (outcome->result < (int64_t)step->arg[1]) {
		uint64_t done = (uint64_t)outcome->result;
		probe_store(step->arg[0] + done, (uint8_t)(step->arg[2] + done));
		if (fault_signal != 0)
			break;
		outcome->result++;
	}
	take_signal(outcome);
}

static void run_fetch(const struct step *step, struct outcome *outcome)
{
	fetched = step->arg[0];
	probe_fetch(step->arg[0]);
	fetched = 0;
	outcome->result = fault_signal == 0;
	take_signal(outcome);
}

/* --- Other steps ------------------------------------------------------------------------------ */

static void run_mmap(const struct step *step, struct outcome *outcome)
{
	uint64_t arg[MAX_ARGS];

	memcpy(arg, step->arg, sizeof arg);
	arg[4] = arg[4] >= BAD_FILE ? (uint64_t)-1 : FIRST_FILE_FD + arg[4];
	outcome->result = call_args(SYS_mmap, arg);
}

static void run_mincore(const struct step *step, struct outcome *outcome)
{
	outcome->result =
	    call(SYS_mincore, step->arg[0], step->arg[1], (uint64_t)mincore_vector, 0, 0, 0);
	for (uint64_t i = 0;
	     outcome->result == 0 && i < MINCORE_BITS && i * PAGE_SIZE < step->arg[1]; i++)
		outcome->value |= (uint64_t)(mincore_vector[i] & 1) << i;
}

static void run_setrlimit(const struct step *step, struct outcome *outcome)
{
	static const uint64_t resources[LIMITS] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK,
	                                           RLIMIT_MEMLOCK};
	uint64_t base = step->arg[0] <= LIMIT_DATA ? shared->base[step->arg[0]] : 0;
	uint64_t values[2];

	for (int i = 0; i < 2; i++)
		values[i] = step->arg[1 + i] == UINT64_MAX ? UINT64_MAX : base + step->arg[1 + i];
	outcome->result =
	    call(SYS_prlimit64, 0, resources[step->arg[0]], (uint64_t)values, 0, 0, 0);
}

static uint64_t writable_fd(uint64_t file)
{
	return FIRST_FILE_FD + file * MODES + 2;
}

static void run_file_write(const struct step *step, struct outcome *outcome)
{
	uint8_t bytes[PAGE_SIZE];

	for (uint64_t i = 0; i < step->arg[2]; i++)
		bytes[i] = (uint8_t)(step->arg[3] + i);
	outcome->result = call(SYS_pwrite64, writable_fd(step->arg[0]), (uint64_t)bytes,
	                       step->arg[2], step->arg[1], 0, 0);
}

static void run_file_resize(const struct step *step, struct outcome *outcome)
{
	outcome->result = call(SYS_ftruncate, writable_fd(step->arg[0]), step->arg[1], 0, 0, 0, 0);
}

/* --- A slot ----------------------------------------------------------------------------------- */

static void run_slot(uint32_t slot);

static void begin_slot(uint32_t slot)
{
	call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	shared->pid[slot] = (int32_t)call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	run_slot(slot);
}

static void run_fork(const struct step *step, struct outcome *outcome)
{
	uint32_t child = (uint32_t)step->arg[0];

	if (shared->alive[child]) {
		outcome->result = SKIPPED;
		return;
	}
	shared->alive[child] = 1;
	outcome->result = call(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0, 0);
	if (outcome->result == 0)
		begin_slot(child);
	if (outcome->result < 0) {
		shared->alive[child] = 0;
		return;
	}
	shared->pid[child] = (int32_t)outcome->result;
	outcome->result = 0;
}

static void run_nothing(const struct step *step, struct outcome *outcome)
{
	outcome->result = SKIPPED;
}

static void run_exit(const struct step *step, struct outcome *outcome)
{
	if (count_alive() == 1) {
		outcome->result = SKIPPED;
		return;
	}
	shared->alive[step->slot] = 0;
	shared->next++;
	quit(0);
}

/* One row for each call: the number of the system call, or the function that makes it. */
static const struct {
	long number;
	void (*run)(const struct step *step, struct outcome *outcome);
} calls[CALLS] = {
    [CALL_MMAP] = {0, run_mmap},
    [CALL_MUNMAP] = {SYS_munmap, NULL},
    [CALL_MPROTECT] = {SYS_mprotect, NULL},
    [CALL_MREMAP] = {SYS_mremap, NULL},
    [CALL_BRK] = {SYS_brk, NULL},
    [CALL_MSYNC] = {SYS_msync, NULL},
    [CALL_MLOCK] = {SYS_mlock, NULL},
    [CALL_MLOCK2] = {SYS_mlock2, NULL},
    [CALL_MUNLOCK] = {SYS_munlock, NULL},
    [CALL_MLOCKALL] = {SYS_mlockall, NULL},
    [CALL_MUNLOCKALL] = {SYS_munlockall, NULL},
    [CALL_MADVISE] = {SYS_madvise, NULL},
    [CALL_MINCORE] = {0, run_mincore},
    [CALL_SETRLIMIT] = {0, run_setrlimit},
    [CALL_FORK] = {0, run_fork},
    [CALL_EXIT] = {0, run_exit},
    [CALL_LOAD] = {0, run_load},
    [CALL_STORE] = {0, run_store},
    [CALL_FETCH] = {0, run_fetch},
    [CALL_FILE_WRITE] = {0, run_file_write},
    [CALL_FILE_RESIZE] = {0, run_file_resize},
    [CALL_NONE] = {0, run_nothing},
};

static void run_step(const struct step *step, struct outcome *outcome)
{
	*outcome = (struct outcome){.result = 0};
	if (calls[step->call].run != NULL)
		calls[step->call].run(step, outcome);
	else
		outcome->result = call_args(calls[step->call].number, step->arg);
}

/* Run this slot's steps from here on. Returns who has the turn next. */
static uint32_t run_steps(uint32_t slot)
{
	for (; shared->next < shared->steps; shared->next++) {
		const struct step *step = &shared->step[shared->next];
		struct outcome *outcome = &shared->outcome[shared->next];
		if (!shared->alive[step->slot])
			*outcome = (struct outcome){.result = SKIPPED};
		else if (step->slot != slot)
			return step->slot;
		else
			run_step(step, outcome);
	}
	return TURN_FINISHED;
}

static void dump_page(uint32_t slot, uint64_t va)
{
	struct dumped_page *page = &shared->page[slot][shared->pages[slot]++];

	*page = (struct dumped_page){.va = va, .hash = HASH_START};
	probe_load(va);
	page->signal = fault_signal;
	page->code = fault_code;
	fault_signal = fault_code = 0;
	for (uint64_t i = 0; page->signal == 0 && i < PAGE_SIZE; i += sizeof(uint64_t))
		page->hash = hash_step(page->hash, *(const volatile uint64_t *)(va + i));
}

static void dump(uint32_t slot)
{
	for (uint32_t i = 0; i < shared->ranges[slot]; i++) {
		const struct range *range = &shared->range[slot][i];
		call(SYS_mprotect, range->start, range->end - range->start, PROT_READ, 0, 0, 0);
		for (uint64_t va = range->start; va < range->end && shared->pages[slot] < MAX_PAGES;
		     va += PAGE_SIZE)
			dump_page(slot, va);
	}
	shared->alive[slot] = 0;
	quit(0);
}

static void run_slot(uint32_t slot)
{
	for (;;) {
		/* The child of a fork starts in the middle of its parent's step. */
		await_turn(slot);
		if (shared->broken)
			quit(0);
		if (shared->dumping)
			dump(slot);
		pass_turn(run_steps(slot));
	}
}

/* --- The first process ------------------------------------------------------------------------ */

static void pass_on(void)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		if (shared->alive[i]) {
			pass_turn(i);
			return;
		}
}

static void note_end(int32_t pid, int status)
{
	if (status != 0)
		shared->broken = status;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (shared->pid[i] == pid)
			shared->alive[i] = 0;
}

static void drop_capabilities(void)
{
	static struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	call(SYS_capset, (uint64_t)&header, (uint64_t)none, 0, 0, 0, 0);
}

static void begin_first_slot(void)
{
	if (shared->unprivileged)
		drop_capabilities();
	begin_slot(0);
}

/* Make areas that do not merge, so that vm.max_map_count is soon reached. */
static void fill(uint32_t areas)
{
	static uint32_t filled;

	if (filled == areas)
		return;
	filled = areas;
	call(SYS_mmap, HOST_FILL, (uint64_t)areas * PAGE_SIZE, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (uint64_t)-1, 0);
	for (uint32_t i = 1; i < areas; i += 2)
		call(SYS_mprotect, HOST_FILL + (uint64_t)i * PAGE_SIZE, PAGE_SIZE, PROT_READ, 0, 0,
		     0);
}

static void run_program(void)
{
	int status = 0;
	int64_t pid;

	fill(shared->fill);
	shared->alive[0] = 1;
	__atomic_store_n(&shared->turn, 0, __ATOMIC_RELEASE);
	if (call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0)
		begin_first_slot();
	while ((pid = call(SYS_wait4, (uint64_t)-1, (uint64_t)&status, 0, 0, 0, 0)) != -ECHILD) {
		note_end((int32_t)pid, status);
		pass_on();
	}
	pass_turn(TURN_IDLE);
}

void host_main(void)
{
	call(SYS_mmap, HOST_SHARED,
	     (sizeof(struct shared) + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1),
	     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, SHARED_FD, 0);
	call(SYS_munmap, HEAP_START - PAGE_SIZE, PAGE_SIZE, 0, 0, 0, 0);
	/* Unmap vdso and vvar, the only areas that the kernel put there. */
	call(SYS_munmap, MMAP_BASE - (1 << 20), 1 << 20, 0, 0, 0, 0);
	catch_signals();
	for (;;) {
		await_turn(TURN_START);
		run_program();
	}
}

/* The stack that the kernel made is not used. */
__asm__(".bss\n"
        ".balign 16\n"
        "own_stack: .skip 65536\n"
        "own_stack_end:\n"
        ".text\n"
        ".globl _start\n"
        "_start: leaq own_stack_end(%rip), %rsp\n"
        "xorl %ebp, %ebp\n"
        "call host_main\n");
