/*
 * vdso.c - copies and maps [vvar] and [vdso]. See vdso.h.
 *
 * Follows map_vdso of Linux's arch/x86/entry/vdso/vma.c: one free range is found for all areas
 * together. In it they have the same order and distances as in the daemon's own address space.
 *
 * The code of [vdso] is a copy of the host's. The variables of [vvar] belong to the host's kernel
 * and are not copied, so an access to [vvar] is a SIGBUS.
 */
#include "vm/exec/vdso.h"
#include "util/proc.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/object.h"
#include "vm/exec/exec.h"
#include "vm/space/place.h"
#include "vm/space/space.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

enum {
	VVAR_FLAGS = AREA_READ | AREA_MAYREAD | AREA_SPECIAL | AREA_DONTEXPAND,
	VDSO_FLAGS = AREA_READ | AREA_EXEC | AREA_MAYREAD | AREA_MAYWRITE | AREA_MAYEXEC |
	             AREA_SPECIAL | AREA_DONTEXPAND,
};

static const struct kernel_area {
	const char *name;
	unsigned flags;
	bool code; /* maps machine->vdso; else nothing, and each access is a SIGBUS */
} kernel_areas[] = {
    {"[vvar]", VVAR_FLAGS, false},
    {"[vvar_vclock]", VVAR_FLAGS, false},
    {"[vdso]", VDSO_FLAGS, true},
};

/* Where the daemon has these areas. An area that it does not have is empty: 0 to 0. */
struct host_layout {
	uint64_t start, end; /* of all areas together */
	struct {
		uint64_t start, end;
	} areas[G_N_ELEMENTS(kernel_areas)];
};

/* Add the area in LINE of /proc/self/maps, if it is one of ours. */
static void layout_add_line(struct host_layout *layout, const char *line)
{
	unsigned long start, end;
	int name_at = 0;

	if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &name_at) != 2 || name_at == 0)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(kernel_areas); i++) {
		if (strcmp(line + name_at, kernel_areas[i].name) != 0)
			continue;
		layout->areas[i].start = start;
		layout->areas[i].end = end;
		layout->start = MIN(layout->start, start);
		layout->end = MAX(layout->end, end);
	}
}

/*
 * Read where the daemon has the areas. False: /proc/self/maps cannot be read or shows none of them,
 * or there are gaps between them.
 */
static bool layout_read(int proc, struct host_layout *layout)
{
	g_autofree char *maps = proc_read(proc, "self/maps");
	uint64_t sum = 0;

	*layout = (struct host_layout){.start = UINT64_MAX};
	if (maps == NULL)
		return false;
	g_auto(GStrv) lines = g_strsplit(maps, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		layout_add_line(layout, lines[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(kernel_areas); i++)
		sum += layout->areas[i].end - layout->areas[i].start;
	return sum > 0 && sum == layout->end - layout->start;
}

int vdso_init(struct vm_machine *machine)
{
	uint64_t header = getauxval(AT_SYSINFO_EHDR);
	struct host_layout layout;
	int error = 0;

	if (header == 0 || !layout_read(machine->proc, &layout))
		return 0;
	machine->vdso_layout = g_memdup2(&layout, sizeof layout);
	/* Copy only what the kernel itself says is the vdso. */
	for (size_t i = 0; i < G_N_ELEMENTS(kernel_areas); i++)
		if (kernel_areas[i].code && layout.areas[i].start == header)
			machine->vdso =
			    object_new_special(machine, (const void *)header,
			                       layout.areas[i].end - layout.areas[i].start, &error);
	return error;
}

/* --- Patching --------------------------------------------------------------------------------- */

/* Functions of the vdso, and the system calls that do the same; -1: ENOSYS is an answer. */
static const struct {
	const char *name;
	int number;
} vdso_calls[] = {
    {"__vdso_clock_gettime", SYS_clock_gettime},
    {"__vdso_gettimeofday", SYS_gettimeofday},
    {"__vdso_time", SYS_time},
    {"__vdso_getcpu", SYS_getcpu},
    {"__vdso_clock_getres", SYS_clock_getres},
    {"__vdso_getrandom", -1},
};

enum { PATCH_LEN = 8 };

/* The code of a function that makes system call NUMBER and returns. */
static void make_patch(uint8_t patch[PATCH_LEN], int number)
{
	/* mov $NUMBER,%eax; syscall; ret */
	uint8_t call[PATCH_LEN] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
	/* mov $-ENOSYS,%rax; ret */
	const uint8_t refuse[PATCH_LEN] = {0x48, 0xc7, 0xc0, (uint8_t)-ENOSYS,
	                                   0xff, 0xff, 0xff, 0xc3};

	memcpy(call + 1, &number, sizeof(int32_t));
	memcpy(patch, number >= 0 ? call : refuse, PATCH_LEN);
}

/* Patch the function at OFFSET of the vdso's LEN bytes AT, if it is called NAME. */
static void patch_symbol(uint8_t *at, size_t len, const char *name, uint64_t offset)
{
	for (size_t i = 0; i < G_N_ELEMENTS(vdso_calls); i++) {
		uint8_t patch[PATCH_LEN];
		if (strcmp(name, vdso_calls[i].name) != 0 || offset > len - PATCH_LEN)
			continue;
		make_patch(patch, vdso_calls[i].number);
		memcpy(at + offset, patch, PATCH_LEN);
	}
}

/* What the headers say is read from the host's own vdso, which its kernel has made. */
static void patch_symbols(uint8_t *at, size_t len, const uint8_t *vdso)
{
	const Elf64_Ehdr *header = (const void *)vdso;
	const Elf64_Shdr *sections = (const void *)(vdso + header->e_shoff);

	for (unsigned i = 0; i < header->e_shnum; i++) {
		if (sections[i].sh_type != SHT_DYNSYM || sections[i].sh_link >= header->e_shnum)
			continue;
		const Elf64_Sym *symbols = (const void *)(vdso + sections[i].sh_offset);
		const char *names = (const char *)vdso + sections[sections[i].sh_link].sh_offset;
		for (size_t s = 0; s < sections[i].sh_size / sizeof *symbols; s++)
			patch_symbol(at, len, names + symbols[s].st_name, symbols[s].st_value);
	}
}

void vdso_patch(struct vm_machine *machine)
{
	const uint8_t *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);

	if (machine->vdso == NULL)
		return;
	machine_lock(machine);
	patch_symbols(machine_page(machine, machine->nr_frames + machine->vdso->special),
	              object_size_pages(machine->vdso) * VM_PAGE_SIZE, vdso);
	machine_unlock(machine);
}

int exec_map_vdso(struct exec *exec)
{
	const struct host_layout *layout = exec->machine->vdso_layout;

	if (exec->machine->vdso == NULL)
		return 0;
	int64_t base =
	    space_find_place(exec->builder.space, 0, layout->end - layout->start, 0, NULL, 0);
	if (base < 0)
		return (int)base;
	for (size_t i = 0; i < G_N_ELEMENTS(kernel_areas); i++) {
		const struct kernel_area *area = &kernel_areas[i];
		uint64_t len = layout->areas[i].end - layout->areas[i].start;
		if (len == 0)
			continue;
		/* The address is a hint. It is free, so the area is mapped there. */
		int64_t addr = space_map_special(
		    exec->builder.space, (uint64_t)base + (layout->areas[i].start - layout->start),
		    len, area->flags, area->name, area->code ? exec->machine->vdso : NULL, 0);
		if (addr < 0)
			return (int)addr;
		if (area->code)
			exec->vdso = (uint64_t)addr;
	}
	return 0;
}
