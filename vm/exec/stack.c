/*
 * stack.c - maps the stack of a new program and fills it, byte for byte as Linux does
 * (setup_arg_pages of fs/exec.c, create_elf_tables of fs/binfmt_elf.c, arch_pick_mmap_layout of
 * arch/x86/mm/mmap.c). From the highest address down:
 *
 *     stack_top   8 bytes of zeros
 *                 the file name (AT_EXECFN)
 *                 the environment strings, each with its NUL; the first is at the lowest address
 *                 the argument strings, likewise
 *                 padding to a multiple of 16, with randomised addresses up to 8 KiB more
 *                 "x86_64" (AT_PLATFORM)
 *                 16 random bytes (AT_RANDOM)
 *                 padding, so that sp is a multiple of 16
 *                 the auxiliary vector
 *                 the pointers to the environment strings, and a NULL
 *                 the pointers to the argument strings, and a NULL
 *     sp          argc
 *
 * The strings are stored as soon as the stack is mapped. The rest contains addresses of images and
 * of the vdso, so it is stored when these are mapped.
 */
#include "util/linux_constants.h"
#include "vm/base/lock.h"
#include "vm/exec/exec.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define PLATFORM "x86_64"
#define STACK_ROOM (UINT64_C(128) << 10) /* bytes mapped below the strings: setup_arg_pages */
#define STACK_GUARD (UINT64_C(1) << 20)  /* bytes kept free below the stack: stack_guard_gap */
/* mmap_base(): bytes from mmap_base to VM_USER_END, before mmap_base is randomised. */
#define STACK_GAP_MIN \
	(UINT64_C(128) << 20) /* the least, so that a small stack limit leaves room to grow */
#define STACK_GAP_MAX (VM_USER_END / 6 * 5)
#define STACK_RANDOM_PAGES (UINT64_C(1) << 22) /* 16 GiB */
#define STACK_RANDOM_BYTES UINT64_C(8192)      /* arch_align_stack */
#define MMAP_RANDOM_PAGES (UINT64_C(1) << 28)  /* vm.mmap_rnd_bits: 1 TiB */

/* --- Where it lies ---------------------------------------------------------------------------- */

/* randomize_stack_top and arch_align_stack. */
static uint64_t choose_stack_top(const struct exec *exec)
{
	uint64_t top = VM_USER_END - exec_random(exec, STACK_RANDOM_PAGES) * VM_PAGE_SIZE;

	return page_align((top - exec_random(exec, STACK_RANDOM_BYTES)) & ~UINT64_C(15));
}

/* Leave as much room below VM_USER_END as the stack may grow: mmap_base(). */
static uint64_t choose_mmap_base(const struct exec *exec)
{
	uint64_t gap = MIN(exec->stack_limit, STACK_GAP_MAX) + STACK_GUARD;

	if (exec->machine->config.aslr)
		gap += STACK_RANDOM_PAGES * VM_PAGE_SIZE;
	gap = CLAMP(gap, STACK_GAP_MIN, STACK_GAP_MAX) +
	      exec_random(exec, MMAP_RANDOM_PAGES) * VM_PAGE_SIZE;
	return page_align(VM_USER_END - gap);
}

/* The rights of the stack. As in Linux, the last PT_GNU_STACK counts, and without one no EXEC. */
static int stack_prot(const struct exec *exec)
{
	const Elf64_Phdr *stack = NULL;
	int prot = PROT_READ | PROT_WRITE;

	for (const Elf64_Phdr *s = NULL;
	     (s = elf_segment(&exec->program.elf, PT_GNU_STACK, s)) != NULL;)
		stack = s;
	return stack != NULL && stack->p_flags & PF_X ? prot | PROT_EXEC : prot;
}

/* --- Strings ---------------------------------------------------------------------------------- */

static uint8_t *append_string(uint8_t *at, const char *text)
{
	return (uint8_t *)stpcpy((char *)at, text) + 1;
}

static uint8_t *append_strings(uint8_t *at, const struct array *strings)
{
	for (size_t i = 0; i < strings->len; i++)
		at = append_string(at, ARRAY_AT(strings, char *, i));
	return at;
}

/*
 * Store the strings at VA: argv[0] at the lowest address, the file name last. Sets their bounds in
 * the layout.
 */
static int store_strings(struct exec *exec, uint64_t va)
{
	const struct exec_strings *strings = &exec->strings;
	struct vm_space *space = exec->builder.space;
	g_autofree uint8_t *bytes = g_try_malloc(strings->size);

	if (bytes == NULL)
		return -ENOMEM;
	uint8_t *env = append_strings(bytes, &strings->argv);
	uint8_t *filename = append_strings(env, &strings->envp);
	append_string(filename, strings->filename);
	space->layout.arg_start = va;
	space->layout.arg_end = space->layout.env_start = va + (uint64_t)(env - bytes);
	space->layout.env_end = va + (uint64_t)(filename - bytes);
	return exec_store(exec, va, bytes, strings->size);
}

int exec_map_stack(struct exec *exec)
{
	uint64_t top = choose_stack_top(exec);
	uint64_t strings = top - sizeof(uint64_t) - exec->strings.size;
	/* The stack limit holds from the start, but what the strings take is there already. */
	uint64_t room = top - page_down(strings) + STACK_ROOM;
	uint64_t start = MIN(page_down(strings), top - MIN(room, page_down(exec->stack_limit)));

	exec->stack_top = top;
	exec->builder.space->mmap_base = choose_mmap_base(exec);
	int64_t at = builder_map(&exec->builder, start, top - start, stack_prot(exec),
	                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);
	return at < 0 ? (int)at : store_strings(exec, strings);
}

/* --- The auxiliary vector --------------------------------------------------------------------- */

/* Addresses of what AT_PLATFORM, AT_RANDOM and AT_EXECFN point to. */
struct tables {
	uint64_t platform, random;
	uint64_t execfn;
};

/*
 * Where the program headers are in memory: in the PT_LOAD whose file part contains their start. The
 * bias alone if there is none, as in load_elf_binary (phdr_addr).
 */
static uint64_t headers_address(const struct exec *exec)
{
	const struct elf_file *elf = &exec->program.elf;
	uint64_t at = elf->header.e_phoff, address = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;)
		if (at >= s->p_offset && at - s->p_offset < s->p_filesz)
			address = at - s->p_offset + s->p_vaddr;
	return address + exec->program.bias;
}

/*
 * Add KEY with the host's value, because that depends on the processor or the kernel. Adds nothing
 * if the host's kernel does not pass KEY.
 */
static void add_host(struct exec *exec, uint64_t key)
{
	const uint64_t *words = exec->machine->host_auxv;

	for (size_t i = 0; i + 1 < exec->machine->host_auxv_len; i += 2)
		if (words[i] == key)
			return builder_add_auxv(&exec->builder, key, words[i + 1]);
}

/* Make the auxiliary vector, in the order of create_elf_tables. */
static void make_auxv(struct exec *exec, const struct tables *tables)
{
	struct builder *builder = &exec->builder;
	const Elf64_Ehdr *header = &exec->program.elf.header;

	if (exec->vdso != 0)
		builder_add_auxv(builder, AT_SYSINFO_EHDR, exec->vdso);
	add_host(exec, AT_MINSIGSTKSZ);
	add_host(exec, AT_HWCAP);
	builder_add_auxv(builder, AT_PAGESZ, VM_PAGE_SIZE);
	add_host(exec, AT_CLKTCK);
	builder_add_auxv(builder, AT_PHDR, headers_address(exec));
	builder_add_auxv(builder, AT_PHENT, sizeof(Elf64_Phdr));
	builder_add_auxv(builder, AT_PHNUM, header->e_phnum);
	builder_add_auxv(builder, AT_BASE, exec->interpreter.bias);
	builder_add_auxv(builder, AT_FLAGS, 0);
	builder_add_auxv(builder, AT_ENTRY, exec_entry(exec));
	builder_add_auxv(builder, AT_UID, exec->cred.uid);
	builder_add_auxv(builder, AT_EUID, exec->euid);
	builder_add_auxv(builder, AT_GID, exec->cred.gid);
	builder_add_auxv(builder, AT_EGID, exec->egid);
	builder_add_auxv(builder, AT_SECURE, exec->secure);
	builder_add_auxv(builder, AT_RANDOM, tables->random);
	add_host(exec, AT_HWCAP2);
	builder_add_auxv(builder, AT_EXECFN, tables->execfn);
	builder_add_auxv(builder, AT_PLATFORM, tables->platform);
	add_host(exec, AT_RSEQ_FEATURE_SIZE);
	add_host(exec, AT_RSEQ_ALIGN);
	builder_add_auxv(builder, AT_NULL, 0);
}

/* --- Pointers --------------------------------------------------------------------------------- */

/*
 * Store the addresses of STRINGS and a NULL at WORD. The strings are stored one after the other at
 * VA. Returns where the next word goes.
 */
static uint64_t *append_pointers(uint64_t *word, const struct array *strings, uint64_t va)
{
	for (size_t i = 0; i < strings->len; i++) {
		*word++ = va;
		va += strlen(ARRAY_AT(strings, char *, i)) + 1;
	}
	*word++ = 0;
	return word;
}

/*
 * All that is stored from sp on: argc, the pointers, and the auxiliary vector. *SIZE: how many
 * bytes. NULL: no memory.
 */
static uint64_t *make_words(const struct exec *exec, size_t *size)
{
	const struct vm_space *space = exec->builder.space;
	const struct exec_strings *strings = &exec->strings;
	size_t count = 1 + strings->argv.len + 1 + strings->envp.len + 1 + space->auxv_len;
	uint64_t *words = g_try_new(uint64_t, count), *word = words;

	if (words == NULL)
		return NULL;
	*word++ = strings->argv.len;
	word = append_pointers(word, &strings->argv, space->layout.arg_start);
	word = append_pointers(word, &strings->envp, space->layout.env_start);
	memcpy(word, space->auxv, space->auxv_len * sizeof *word);
	*size = count * sizeof *words;
	return words;
}

/* Store the platform's name and 16 random bytes below AT, and set their addresses in *TABLES. */
static int store_constants(struct exec *exec, uint64_t at, struct tables *tables)
{
	uint32_t random[4];

	machine_lock(exec->machine);
	for (size_t i = 0; i < G_N_ELEMENTS(random); i++)
		random[i] = g_rand_int(exec->machine->rand);
	machine_unlock(exec->machine);
	tables->platform = at - sizeof PLATFORM;
	tables->random = tables->platform - sizeof random;
	int error = exec_store(exec, tables->platform, PLATFORM, sizeof PLATFORM);
	return error != 0 ? error : exec_store(exec, tables->random, random, sizeof random);
}

int exec_fill_stack(struct exec *exec)
{
	struct vm_space *space = exec->builder.space;
	struct tables tables = {.execfn = space->layout.env_end};
	uint64_t at =
	    (space->layout.arg_start - exec_random(exec, STACK_RANDOM_BYTES)) & ~UINT64_C(15);

	/* The vector contains the addresses of these, and its size says where sp is. */
	int error = store_constants(exec, at, &tables);
	if (error != 0)
		return error;
	make_auxv(exec, &tables);
	size_t size;
	g_autofree uint64_t *words = make_words(exec, &size);
	if (words == NULL)
		return -ENOMEM;
	space->layout.sp = space->layout.start_stack = (tables.random - size) & ~UINT64_C(15);
	return exec_store(exec, space->layout.sp, words, size);
}
