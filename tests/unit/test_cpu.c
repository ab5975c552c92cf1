/*
 * test_cpu.c - the processor runs user code on the page tables of a process: faults, accessed and
 * dirty bits, system calls, steps, and that it gives way to whoever wants the machine lock. Skipped
 * on hosts without /dev/kvm.
 *
 * The programs are a few bytes of machine code. ARENA has the code, DATA what it works with.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/vm_cpu.h"

#include <signal.h>

#define DATA (ARENA + 16 * MIB)
#define LEN(code) code, sizeof(code)

/* movq $7,(%rdi); syscall */
static const uint8_t store_code[] = {0x48, 0xc7, 0x07, 7, 0, 0, 0, 0x0f, 0x05};
/* jmp . */
static const uint8_t spin_code[] = {0xeb, 0xfe};
/* 1: inc %rax; mov %rax,(%rdi); jmp 1b */
static const uint8_t count_code[] = {0x48, 0xff, 0xc0, 0x48, 0x89, 0x07, 0xeb, 0xf8};
/* 1: mov (%rdi),%rax; add $4096,%rdi; dec %rcx; jnz 1b; syscall */
static const uint8_t sweep_code[] = {0x48, 0x8b, 0x07, 0x48, 0x81, 0xc7, 0x00, 0x10, 0x00,
                                     0x00, 0x48, 0xff, 0xc9, 0x75, 0xf1, 0x0f, 0x05};

/* 1: mov (%rdi),%rax; add $0x200000,%rdi; dec %rcx; jnz 1b; syscall */
static const uint8_t stride_code[] = {0x48, 0x8b, 0x07, 0x48, 0x81, 0xc7, 0x00, 0x00, 0x20,
                                      0x00, 0x48, 0xff, 0xc9, 0x75, 0xf1, 0x0f, 0x05};

static bool has_cpu(struct vm_machine *machine)
{
	g_autofree char *why = NULL;

	if (vm_cpu_open(machine, &why) == 0)
		return true;
	g_test_skip(why);
	return false;
}

/* The process gets CODE at ARENA. Returns registers that start there. */
static struct vm_context *with_code(struct vm_fixture *f, const void *code, size_t len)
{
	struct vm_context *context = vm_context_new(f->machine);

	map(f->process, ARENA, 1, RW | PROT_EXEC, PRIVATE_ANON);
	g_assert_cmpint(vm_write(f->process, ARENA, code, len), ==, (ssize_t)len);
	vm_context_reset(context, ARENA, 0);
	vm_context_regs(context)->rdi = DATA;
	return context;
}

/*
 * Run until something else than a fault that can be handled happens. Returns how many there were.
 */
static unsigned run_on(struct vm_process *process, struct vm_context *context,
                       struct vm_cpu_exit *stopped)
{
	unsigned faults = 0;

	for (;;) {
		g_assert_cmpint(vm_cpu_run(process, context, 0, 0, stopped), ==, 0);
		if (stopped->stop != VM_CPU_FAULT ||
		    vm_access(process, stopped->address, 1, stopped->access, NULL, NULL) != 0)
			return faults;
		faults++;
	}
}

/* --- Faults and bits -------------------------------------------------------------------------- */

static void stores(struct vm_fixture *f, gconstpointer data)
{
	struct vm_entry_info entry;
	struct vm_cpu_exit stopped;

	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = with_code(f, LEN(store_code));
	map(f->process, DATA, 1, RW, PRIVATE_ANON);
	/* The code is there: its page was written. The page of data is not. */
	g_assert_cmpuint(run_on(f->process, context, &stopped), ==, 1);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_SYSCALL);
	g_assert_cmphex(vm_context_regs(context)->rip, ==, ARENA + sizeof store_code);
	g_assert_cmpint(get(f->process, DATA), ==, 7);
	g_assert_true(entry_of(f->process, DATA, &entry));
	g_assert_cmphex(entry.raw & 0x60, ==, 0x60);
	vm_context_free(context);
}

/* Run the code of CONTEXT once more, and expect that it takes FAULTS faults. */
static void again(struct vm_fixture *f, struct vm_context *context, unsigned faults)
{
	struct vm_cpu_exit stopped;

	vm_context_regs(context)->rip = ARENA;
	vm_context_regs(context)->rdi = DATA;
	g_assert_cmpuint(run_on(f->process, context, &stopped), ==, faults);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_SYSCALL);
}

static uint64_t raw(struct vm_fixture *f, uint64_t va)
{
	struct vm_entry_info entry;

	g_assert_true(entry_of(f->process, va, &entry));
	return entry.raw;
}

/* Bits that are cleared are set again by the processor, without a fault where Linux has none. */
static void sets_bits(struct vm_fixture *f, gconstpointer data)
{
	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = with_code(f, LEN(store_code));
	map_filled(f->process, DATA, 1, PRIVATE_ANON, 1);
	again(f, context, 0);
	/* Accessed bits: no fault. */
	vm_process_clear_refs(f->process, 1);
	g_assert_cmphex(raw(f, DATA) & 0x20, ==, 0);
	again(f, context, 0);
	g_assert_cmphex(raw(f, DATA) & 0x20, ==, 0x20);
	g_assert_cmpuint(usage_at(f->process, DATA).referenced, ==, PAGE);
	/* Soft-dirty bits: as in Linux, the store faults, and is noticed. */
	vm_process_clear_refs(f->process, 4);
	g_assert_false(soft_dirty(f->process, DATA));
	again(f, context, 1);
	g_assert_true(soft_dirty(f->process, DATA));
	again(f, context, 0);
	/* MADV_FREE clears the dirty bit, and the right to write stays. */
	g_assert_cmpint(vm_madvise(f->process, DATA, PAGE, MADV_FREE), ==, 0);
	g_assert_cmphex(raw(f, DATA) & 0x40, ==, 0);
	again(f, context, 0);
	g_assert_cmphex(raw(f, DATA) & 0x40, ==, 0x40);
	vm_context_free(context);
}

/* Page tables that are new are there for the processor, also if nothing was taken from anybody. */
static void many_tables(struct vm_fixture *f, gconstpointer data)
{
	enum { TABLES = 5000 }; /* more than it knows of at first */
	const uint64_t far = UINT64_C(0x100000000000);
	struct vm_cpu_exit stopped;

	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = with_code(f, LEN(stride_code));
	map(f->process, far, TABLES * 512, PROT_READ, PRIVATE_ANON | MAP_NORESERVE);
	vm_context_regs(context)->rdi = far;
	vm_context_regs(context)->rcx = TABLES;
	g_assert_cmpuint(run_on(f->process, context, &stopped), ==, TABLES);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_SYSCALL);
	vm_context_free(context);
}

/* A fault that cannot be handled says where, and what was tried. */
static void fatal(struct vm_fixture *f, gconstpointer data)
{
	struct vm_cpu_exit stopped;

	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = with_code(f, LEN(store_code));
	run_on(f->process, context, &stopped);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_FAULT);
	g_assert_cmphex(stopped.address, ==, DATA);
	g_assert_cmpint(stopped.access, ==, VM_ACCESS_WRITE);
	g_assert_cmphex(stopped.error_code, ==, 6);
	vm_context_regs(context)->rip = DATA;
	run_on(f->process, context, &stopped);
	g_assert_cmpint(stopped.access, ==, VM_ACCESS_EXEC);
	g_assert_cmphex(vm_context_regs(context)->rip, ==, DATA);
	/* Not canonical: no page fault, but a general protection fault. */
	vm_context_regs(context)->rip = ARENA;
	vm_context_regs(context)->rdi = UINT64_C(1) << 63;
	run_on(f->process, context, &stopped);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_EXCEPTION);
	g_assert_cmpuint(stopped.vector, ==, 13);
	vm_context_free(context);
}

static void steps(struct vm_fixture *f, gconstpointer data)
{
	struct vm_cpu_exit stopped;

	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = with_code(f, LEN(count_code));
	struct vm_regs *regs = vm_context_regs(context);
	map_filled(f->process, DATA, 1, PRIVATE_ANON, 1);
	for (uint64_t i = 1; i <= 10; i++) {
		for (int part = 0; part < 3; part++) {
			g_assert_cmpint(vm_cpu_run(f->process, context, VM_CPU_STEP, 0, &stopped),
			                ==, 0);
			g_assert_cmpint(stopped.stop, ==, VM_CPU_STEPPED);
		}
		g_assert_cmpuint(regs->rax, ==, i);
		g_assert_cmphex(regs->rip, ==, ARENA);
		g_assert_cmphex(regs->eflags & 0x100, ==, 0);
	}
	g_assert_cmpint(vm_cpu_run(f->process, context, VM_CPU_BREAK, ARENA + 3, &stopped), ==, 0);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_BREAKPOINT);
	g_assert_cmphex(regs->rip, ==, ARENA + 3);
	/* It stops there again at once, unless it is to leave that place first. */
	uint64_t count = regs->rax;
	g_assert_cmpint(vm_cpu_run(f->process, context, VM_CPU_BREAK, ARENA + 3, &stopped), ==, 0);
	g_assert_cmpuint(regs->rax, ==, count);
	g_assert_cmpint(
	    vm_cpu_run(f->process, context, VM_CPU_BREAK | VM_CPU_AWAY, ARENA + 3, &stopped), ==,
	    0);
	g_assert_cmpint(stopped.stop, ==, VM_CPU_BREAKPOINT);
	g_assert_cmphex(regs->rip, ==, ARENA + 3);
	g_assert_cmpuint(regs->rax, ==, count + 1);
	/* The byte of the program is what it was. */
	g_assert_cmpint(get(f->process, ARENA + 3), ==, 0x48);
	vm_context_free(context);
}

/* --- Giving way ------------------------------------------------------------------------------- */

struct spinner {
	struct vm_fixture *f;
	struct vm_context *context;
	bool stop;
};

static void *spin(void *ctx)
{
	struct spinner *spinner = ctx;
	struct vm_cpu_exit stopped;

	while (!__atomic_load_n(&spinner->stop, __ATOMIC_ACQUIRE)) {
		g_assert_cmpint(vm_cpu_run(spinner->f->process, spinner->context, 0, 0, &stopped),
		                ==, 0);
		if (stopped.stop != VM_CPU_FAULT)
			continue;
		/* The right to write is taken away for moments. Then it tries again. */
		int error =
		    vm_access(spinner->f->process, stopped.address, 1, stopped.access, NULL, NULL);
		g_assert_true(error == 0 || error == -EACCES);
	}
	return NULL;
}

static uint64_t counted(struct vm_fixture *f)
{
	uint64_t value;

	g_assert_cmpint(load(f->process, DATA, &value, sizeof value), ==, sizeof value);
	return value;
}

struct progress {
	struct vm_fixture *f;
	uint64_t before;
};

static bool moves(void *ctx)
{
	struct progress *progress = ctx;

	return counted(progress->f) != progress->before;
}

/*
 * A program counts for ever. Meanwhile everybody else gets on: with calls that take the lock once,
 * and with those that take it for each page. And so does the program.
 */
static void give_way(struct vm_fixture *f, bool stores_count)
{
	struct spinner spinner = {.f = f};
	GThread *thread;

	if (!has_cpu(f->machine))
		return;
	spinner.context =
	    stores_count ? with_code(f, LEN(count_code)) : with_code(f, LEN(spin_code));
	map_filled(f->process, DATA, 1, PRIVATE_ANON, 0);
	map_filled(f->process, DATA + MIB, 1024, PRIVATE_ANON, 1);
	thread = g_thread_new("spin", spin, &spinner);
	for (int i = 0; i < 100; i++) {
		g_assert_cmpuint(usage_at(f->process, DATA + MIB).rss, ==, 1024 * PAGE);
		g_assert_cmpint(vm_process_clear_refs(f->process, 1 + i % 4), ==, 0);
		g_assert_cmpint(vm_mprotect(f->process, DATA, PAGE, i % 2 ? PROT_READ : RW), ==, 0);
		g_assert_cmpint(vm_mprotect(f->process, DATA, PAGE, RW), ==, 0);
		vm_machine_reclaim(f->machine, 4);
		struct progress progress = {f, counted(f)};
		if (stores_count)
			wait_until(moves, &progress);
	}
	__atomic_store_n(&spinner.stop, true, __ATOMIC_RELEASE);
	vm_cpu_kick(f->machine);
	g_thread_join(thread);
	vm_context_free(spinner.context);
}

static void counter_gives_way(struct vm_fixture *f, gconstpointer data)
{
	give_way(f, true);
}

static void spinner_gives_way(struct vm_fixture *f, gconstpointer data)
{
	give_way(f, false);
}

/* A process that ends while its code runs. */
static void ends(struct vm_fixture *f, gconstpointer data)
{
	struct vm_cpu_exit stopped;
	struct spinner spinner = {.f = f};

	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = spinner.context = with_code(f, LEN(spin_code));
	g_assert_cmpint(vm_process_kill(f->process, SIGKILL), ==, 0);
	g_assert_cmpint(vm_cpu_run(f->process, context, 0, 0, &stopped), ==, -ESRCH);
	vm_context_free(context);
}

/* --- Page replacement ------------------------------------------------------------------------- */

enum { HOT = 100, COLD = 1000, ROUNDS = 8 };

/* A program loads a few pages again and again, and many pages once. clock keeps the few. */
static void clock_sees(struct vm_fixture *f, gconstpointer data)
{
	struct vm_machine_info before, after;
	struct vm_cpu_exit stopped;

	if (!has_cpu(f->machine))
		return;
	struct vm_context *context = with_code(f, LEN(sweep_code));
	struct vm_regs *regs = vm_context_regs(context);
	g_autofree char *path = make_file(f, "stream", (HOT + COLD) * PAGE, 0);
	map_path(f, f->process, path, O_RDONLY, DATA, HOT + COLD, PROT_READ, MAP_PRIVATE);
	vm_machine_info(f->machine, &before);
	for (unsigned cold = 0; cold < COLD; cold += COLD / 100) {
		for (int i = 0; i < ROUNDS; i++) {
			regs->rcx = i == 0 ? COLD / 100 : HOT;
			regs->rip = ARENA;
			regs->rdi = DATA + (i == 0 ? HOT + cold : 0) * PAGE;
			run_on(f->process, context, &stopped);
			g_assert_cmpint(stopped.stop, ==, VM_CPU_SYSCALL);
			vm_context_regs(context)->rcx = 0;
		}
	}
	vm_machine_info(f->machine, &after);
	/* Each page once; the few pages hardly ever again. fifo would read them all each time. */
	g_assert_cmpuint(after.file_reads - before.file_reads, >=, HOT + COLD);
	g_assert_cmpuint(after.file_reads - before.file_reads, <, HOT + COLD + HOT);
	vm_context_free(context);
}

int main(int argc, char **argv)
{
	static const struct vm_limits few = {.ram_pages = 180};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/cpu/stores", NULL, stores);
	FIXTURE_TEST("/cpu/bits", NULL, sets_bits);
	FIXTURE_TEST("/cpu/many-tables", NULL, many_tables);
	FIXTURE_TEST("/cpu/fatal", NULL, fatal);
	FIXTURE_TEST("/cpu/steps", NULL, steps);
	FIXTURE_TEST("/cpu/gives-way/counter", NULL, counter_gives_way);
	FIXTURE_TEST("/cpu/gives-way/spinner", NULL, spinner_gives_way);
	FIXTURE_TEST("/cpu/ends", NULL, ends);
	FIXTURE_TEST("/cpu/clock", &few, clock_sees);
	return g_test_run();
}
