/*
 * access.c - loads and stores of every width, and the faults that they may take. Each must give
 * what the model says: the bytes, or the signal with its address and code.
 */
#include "torture.h"

#include <string.h>

static sigjmp_buf after_fault;
static struct {
	int number, code;
	uintptr_t address;
} fault;
/* The registers of a string instruction, also after a fault in its middle. */
static struct {
	char *to;
	const char *from;
	size_t left;
} string;

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	string.to = (char *)regs[REG_RDI];
	string.from = (const char *)regs[REG_RSI];
	string.left = (size_t)regs[REG_RCX];
	fault.number = number;
	fault.code = info->si_code;
	fault.address = (uintptr_t)info->si_addr;
	siglongjmp(after_fault, 1);
}

void access_init(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* --- Single instructions ---------------------------------------------------------------------- */

static void do_load(unsigned width, const char *from, unsigned char *to)
{
	uint64_t value = 0;

	if (width == 16) {
		__asm__ volatile("movdqu (%0), %%xmm0\n\tmovdqu %%xmm0, (%1)"
		                 :
		                 : "r"(from), "r"(to)
		                 : "xmm0", "memory");
		return;
	}
	if (width == 1)
		__asm__ volatile("movzbl (%1), %k0" : "=r"(value) : "r"(from) : "memory");
	else if (width == 2)
		__asm__ volatile("movzwl (%1), %k0" : "=r"(value) : "r"(from) : "memory");
	else if (width == 4)
		__asm__ volatile("movl (%1), %k0" : "=r"(value) : "r"(from) : "memory");
	else
		__asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(from) : "memory");
	memcpy(to, &value, width);
}

static void do_store(unsigned width, char *to, const unsigned char *from)
{
	uint64_t value = 0;

	if (width == 16) {
		__asm__ volatile("movdqu (%0), %%xmm0\n\tmovdqu %%xmm0, (%1)"
		                 :
		                 : "r"(from), "r"(to)
		                 : "xmm0", "memory");
		return;
	}
	memcpy(&value, from, width);
	if (width == 1)
		__asm__ volatile("movb %b0, (%1)" : : "q"(value), "r"(to) : "memory");
	else if (width == 2)
		__asm__ volatile("movw %w0, (%1)" : : "r"(value), "r"(to) : "memory");
	else if (width == 4)
		__asm__ volatile("movl %k0, (%1)" : : "r"(value), "r"(to) : "memory");
	else
		__asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(to) : "memory");
}

/* --- What must come of them ------------------------------------------------------------------- */

/* What must come of the access under way: static, because longjmp keeps no locals. */
static enum outcome outcome;

/* Set `outcome` for LEN bytes at arena offset AT. Returns the first bad page, or PAGES. */
static unsigned first_bad(size_t at, size_t len, int access)
{
	for (size_t p = at / PAGE; p <= (at + len - 1) / PAGE; p++) {
		outcome = outcome_of((unsigned)p, access);
		if (outcome != FINE)
			return (unsigned)p;
	}
	return PAGES;
}

/* A fault came: it must be `outcome` at WHERE. */
static void check_fault(const char *what, const char *where)
{
	int number = outcome == BUSERR ? SIGBUS : SIGSEGV;
	int code = outcome == MAPERR ? SEGV_MAPERR : outcome == ACCERR ? SEGV_ACCERR : BUS_ADRERR;

	if (outcome == FINE)
		wrong("%s of %p: signal %d code %d address %#lx instead of none", what,
		      (const void *)where, fault.number, fault.code, fault.address);
	if (fault.number != number || fault.code != code || fault.address != (uintptr_t)where)
		wrong("%s: signal %d code %d address %#lx instead of signal %d code %d address %p",
		      what, fault.number, fault.code, fault.address, number, code,
		      (const void *)where);
	hash_add((uint64_t)(number << 8 | code));
}

/* Where an access at AT faults if page P is the first bad one. */
static const char *fault_address(size_t at, unsigned p)
{
	return at / PAGE == p ? ARENA + at : address(p);
}

static bool touches_lazy(size_t at, size_t len)
{
	for (size_t p = at / PAGE; p <= (at + len - 1) / PAGE; p++) {
		if (p < PAGES && page[p].lazy)
			return true;
	}
	return false;
}

/* Shared memory is left alone while another process runs. */
static bool must_not_store(size_t at, size_t len)
{
	for (size_t p = at / PAGE; p <= (at + len - 1) / PAGE; p++) {
		if (p < PAGES && concurrent && page[p].kind == SHARED)
			return true;
	}
	return false;
}

/*
 * A store that faults at one page may or may not have made the kernel copy another one for it. So
 * that it is known, store to private pages of files that are fine before that.
 */
static void own_all(size_t at, size_t len)
{
	for (size_t n = at / PAGE; n <= (at + len - 1) / PAGE; n++) {
		unsigned p = (unsigned)n;

		if (p < PAGES && page[p].kind == FILE_PRIVATE &&
		    outcome_of(p, PROT_WRITE) == FINE) {
			volatile char *byte = address(p);

			*byte = *byte;
			own_bytes_of(p);
		}
	}
}

static void settle_all(size_t at, size_t len)
{
	for (size_t p = at / PAGE; p <= (at + len - 1) / PAGE; p++) {
		if (p < PAGES && page[p].lazy)
			access_settle((unsigned)p);
	}
}

/* The offset of LEN bytes in the arena: every other one is near the border of two pages. */
static size_t place(size_t len)
{
	size_t end = (size_t)PAGES * PAGE - len;
	size_t border = (size_t)(1 + below(PAGES - 1)) * PAGE;
	size_t before = below(2) ? below((unsigned)len + 1) : below(PAGE);
	size_t at = border > before ? border - before : 0;

	return at < end ? at : end;
}

static unsigned random_width(void)
{
	return 1u << below(5);
}

static _Noreturn void wrong_byte(size_t at, unsigned char got, unsigned char wanted)
{
	const struct page *of = &page[at / PAGE];

	wrong(
	    "byte at %p is %#x instead of %#x: page %zu kind %d rights %d object %d index %d%s%s%s",
	    (void *)(ARENA + at), got, wanted, at / PAGE, of->kind, of->prot, of->object, of->index,
	    of->owned ? " owned" : "", of->lazy ? " lazy" : "", in_child ? " in a child" : "");
}

/* Compare LEN bytes at arena offset AT with GOT. */
static void compare(size_t at, const unsigned char *got, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char wanted = bytes_of((unsigned)((at + i) / PAGE))[(at + i) % PAGE];

		if (got[i] != wanted)
			wrong_byte(at + i, got[i], wanted);
		hash_add(got[i]);
	}
}

/* The model's store of LEN bytes at arena offset AT. */
static void model_store(size_t at, const unsigned char *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		own_bytes_of((unsigned)((at + i) / PAGE))[(at + i) % PAGE] = from[i];
}

/* --- Accesses --------------------------------------------------------------------------------- */

void access_load(void)
{
	unsigned width = random_width();
	size_t at = place(width);
	unsigned bad;
	unsigned char got[16] = {0};

	settle_all(at, width);
	if (touches_lazy(at, width))
		return;
	bad = first_bad(at, width, PROT_READ);
	if (sigsetjmp(after_fault, 0) != 0) {
		check_fault("load", fault_address(at, bad));
		return;
	}
	do_load(width, ARENA + at, got);
	if (outcome != FINE)
		wrong("load of %u at %p: no fault", width, (void *)(ARENA + at));
	compare(at, got, width);
}

void access_store(void)
{
	unsigned width = random_width();
	size_t at = place(width);
	uint64_t value[2] = {random_number(), random_number()};
	unsigned bad;

	if (must_not_store(at, width))
		return;
	settle_all(at, width);
	if (touches_lazy(at, width))
		return;
	bad = first_bad(at, width, PROT_WRITE);
	if (bad != PAGES)
		own_all(at, width);
	if (sigsetjmp(after_fault, 0) != 0) {
		check_fault("store", fault_address(at, bad));
		return;
	}
	do_store(width, ARENA + at, (unsigned char *)value);
	if (outcome != FINE)
		wrong("store of %u at %p: no fault", width, (void *)(ARENA + at));
	model_store(at, (unsigned char *)value, width);
}

/* lock xadd: a load and a store in one. It needs the right to write from the beginning. */
void access_atomic(void)
{
	size_t at = (size_t)below(PAGES) * PAGE + (size_t)below(PAGE / 8) * 8;
	uint64_t add = random_number(), value = add, sum;
	unsigned bad;

	if (must_not_store(at, 8))
		return;
	settle_all(at, 8);
	if (touches_lazy(at, 8))
		return;
	bad = first_bad(at, 8, PROT_WRITE);
	if (sigsetjmp(after_fault, 0) != 0) {
		check_fault("xadd", fault_address(at, bad));
		return;
	}
	__asm__ volatile("lock xaddq %0, (%1)" : "+r"(value) : "r"(ARENA + at) : "memory");
	if (outcome != FINE)
		wrong("xadd at %p: no fault", (void *)(ARENA + at));
	compare(at, (unsigned char *)&value, 8);
	sum = value + add;
	model_store(at, (unsigned char *)&sum, 8);
}

/* How many of LEN bytes at AT an access may touch before the first bad page. */
static size_t good_bytes(size_t at, size_t len, int access)
{
	unsigned bad = first_bad(at, len, access);

	if (outcome == FINE)
		return len;
	return at / PAGE == bad ? 0 : (size_t)bad * PAGE - at;
}

/* Whether two of the pages are the same memory: then rep movs may copy in any order. */
static bool aliases(size_t from, size_t to, size_t len)
{
	for (size_t p = from / PAGE; p <= (from + len - 1) / PAGE; p++) {
		for (size_t q = to / PAGE; q <= (to + len - 1) / PAGE; q++) {
			if (page[p].kind > ANON && page[q].kind == SHARED &&
			    page[p].object == page[q].object && page[p].index == page[q].index)
				return true;
		}
	}
	return false;
}

/* rep movsb within the arena. A fault in its middle leaves what was done before. */
void access_copy(void)
{
	size_t len = 1 + below(3 * PAGE);
	size_t from = place(len), to = place(len);
	enum outcome of_load;
	size_t can_read, can_write, done;

	if (must_not_store(to, len) || aliases(from, to, len) ||
	    (from < to + len && to < from + len))
		return;
	settle_all(from, len);
	settle_all(to, len);
	if (touches_lazy(from, len) || touches_lazy(to, len))
		return;
	can_read = good_bytes(from, len, PROT_READ);
	of_load = outcome;
	can_write = good_bytes(to, len, PROT_WRITE);
	done = can_read < can_write ? can_read : can_write;
	if (can_read <= can_write)
		outcome = of_load;
	if (done < len)
		own_all(to, len);
	if (sigsetjmp(after_fault, 0) == 0) {
		string.to = ARENA + to;
		string.from = ARENA + from;
		string.left = len;
		__asm__ volatile("rep movsb"
		                 : "+D"(string.to), "+S"(string.from), "+c"(string.left)
		                 :
		                 : "memory");
	} else if (can_read <= can_write) {
		check_fault("rep movs, its load", ARENA + from + done);
	} else {
		check_fault("rep movs, its store", ARENA + to + done);
	}
	if (string.left != len - done || string.to != ARENA + to + done ||
	    string.from != ARENA + from + done)
		wrong("rep movs of %zu to %p: %zu left instead of %zu", len, (void *)(ARENA + to),
		      string.left, len - done);
	for (size_t i = 0; i < done; i++) {
		unsigned char byte = bytes_of((unsigned)((from + i) / PAGE))[(from + i) % PAGE];

		model_store(to + i, &byte, 1);
	}
}

/* rep stosq */
void access_fill(void)
{
	size_t words = 1 + below(2 * PAGE / 8);
	size_t len = words * 8;
	size_t at = place(len) & ~(size_t)7;
	uint64_t value = random_number();
	size_t done;

	if (must_not_store(at, len))
		return;
	settle_all(at, len);
	if (touches_lazy(at, len))
		return;
	done = good_bytes(at, len, PROT_WRITE);
	if (sigsetjmp(after_fault, 0) == 0) {
		string.to = ARENA + at;
		string.left = words;
		__asm__ volatile("rep stosq"
		                 : "+D"(string.to), "+c"(string.left)
		                 : "a"(value)
		                 : "memory");
	} else {
		check_fault("rep stos", ARENA + at + done);
	}
	if (string.left != (len - done) / 8 || string.to != ARENA + at + done)
		wrong("rep stos of %zu to %p: %zu left", words, (void *)(ARENA + at), string.left);
	for (size_t i = 0; i < done; i += 8)
		model_store(at + i, (unsigned char *)&value, 8);
}

/* Store `mov $N, %eax; ret` and call it: N must come back, or the fetch faults. */
void access_execute(void)
{
	unsigned p = below(PAGES);
	size_t at = (size_t)p * PAGE + below(PAGE - 6);
	uint32_t number = (uint32_t)random_number();
	unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};
	uint32_t (*call)(void);

	if (must_not_store(at, 6))
		return;
	access_settle(p);
	if (page[p].lazy)
		return;
	memcpy(code + 1, &number, 4);
	if (outcome_of(p, PROT_WRITE) == FINE) {
		memcpy(ARENA + at, code, 6);
		model_store(at, code, 6);
	} else if (outcome_of(p, PROT_EXEC) == FINE) {
		return;
	}
	outcome = outcome_of(p, PROT_EXEC);
	if (sigsetjmp(after_fault, 0) != 0) {
		check_fault("call", ARENA + at);
		return;
	}
	call = (uint32_t(*)(void))(ARENA + at);
	if (call() != number || outcome != FINE)
		wrong("call of %p: another number, or no fault", (void *)(ARENA + at));
	hash_add(number);
}

void access_check_page(unsigned p)
{
	unsigned char got[PAGE];

	if (page[p].lazy || outcome_of(p, PROT_READ) != FINE)
		return;
	memcpy(got, address(p), PAGE);
	compare((size_t)p * PAGE, got, PAGE);
}

/*
 * A page that was freed lazily holds what it held, or zeros. Look, and store to all of it. If it
 * cannot be stored to, it stays as it is.
 */
void access_settle(unsigned p)
{
	uint64_t old, got, value = random_number();
	uint64_t *at = (uint64_t *)address(p);
	unsigned char *model;

	if (!page[p].lazy || outcome_of(p, PROT_WRITE) != FINE)
		return;
	memcpy(&old, bytes_of(p) + 8, 8);
	got = ((volatile uint64_t *)at)[1];
	if (got != old && got != 0)
		wrong("lazily freed page at %p: %#lx instead of %#lx or 0", (void *)at, got, old);
	page[p].lazy = false;
	model = own_bytes_of(p);
	for (size_t i = 0; i < PAGE / 8; i++) {
		at[i] = value + i;
		memcpy(model + i * 8, &at[i], 8);
	}
}
