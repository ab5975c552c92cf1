/*
 * address.c - numbers and names of addresses. The engine finds the symbols.
 */
#include "fs/ctl/address.h"

#include "util/number.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* --- Areas ------------------------------------------------------------------------------------ */

/* Looks for an area by name: as maps has it, or by the last part of a file's name. */
struct area_search {
	const char *name;
	uint64_t start;
	bool found;
};

static bool match_area(void *ctx, const struct vm_area_info *area)
{
	struct area_search *search = ctx;

	search->found = area->name != NULL && vm_name_is(area->name, search->name);
	search->start = area->start;
	return !search->found;
}

static bool find_area(struct vm_process *process, const char *name, uint64_t *start)
{
	struct area_search search = {.name = name};

	vm_process_areas(process, 0, match_area, &search);
	if (search.found)
		*start = search.start;
	return search.found;
}

struct cover {
	uint64_t va;
	bool found;
};

static bool match_cover(void *ctx, const struct vm_area_info *area)
{
	struct cover *cover = ctx;

	cover->found = area->start <= cover->va;
	return false;
}

static bool has_area(struct vm_process *process, uint64_t va)
{
	struct cover cover = {.va = va};

	vm_process_areas(process, va, match_cover, &cover);
	return cover.found;
}

/* --- Names ------------------------------------------------------------------------------------ */

const char *const address_names[] = {"sp", "pc", "brk", "stack", "heap", "vdso", NULL};

/*
 * The fixed names: registers and areas. *MISSING is set if NAME is one of them and PROCESS has no
 * such area.
 */
static bool find_fixed(struct vm_process *process, const char *name, uint64_t *va, bool *missing)
{
	static const struct {
		const char *name, *area;
	} areas[] = {{"stack", "[stack]"}, {"heap", "[heap]"}, {"vdso", "[vdso]"}};
	static const struct {
		const char *name;
		size_t offset;
	} registers[] = {{"sp", offsetof(struct vm_layout, sp)},
	                 {"pc", offsetof(struct vm_layout, pc)},
	                 {"brk", offsetof(struct vm_layout, brk)}};
	struct vm_process_info info;

	for (size_t i = 0; i < G_N_ELEMENTS(registers); i++) {
		if (strcmp(name, registers[i].name) != 0)
			continue;
		vm_process_info(process, &info);
		memcpy(va, (const char *)&info.layout + registers[i].offset, sizeof *va);
		return true;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(areas); i++) {
		if (strcmp(name, areas[i].name) != 0)
			continue;
		*missing = !find_area(process, areas[i].area, va);
		return !*missing;
	}
	return false;
}

/* FILE:SYMBOL or FILE: */
static bool find_in_file(struct vm_process *process, const char *name, uint64_t *va)
{
	const char *colon = strrchr(name, ':');

	if (colon == NULL || colon == name)
		return false;
	g_autofree char *file = g_strndup(name, (size_t)(colon - name));
	if (colon[1] == '\0')
		return find_area(process, file, va);
	return vm_process_symbol(process, VM_SYMBOLS_ALL, file, colon + 1, va) == 0;
}

static bool find_name(struct vm_process *process, const char *name, uint64_t *va)
{
	return vm_process_symbol(process, VM_SYMBOLS_PROGRAM, NULL, name, va) == 0 ||
	       find_area(process, name, va) ||
	       vm_process_symbol(process, VM_SYMBOLS_LIBRARIES, NULL, name, va) == 0 ||
	       find_in_file(process, name, va);
}

/* --- Texts ------------------------------------------------------------------------------------ */

/*
 * Split TEXT before its last + or -, if a number follows that. The first part is returned (free
 * with g_free), or NULL if TEXT is not like that.
 */
static char *split_offset(const char *text, bool *minus, uint64_t *offset)
{
	const char *sign = text + strlen(text);

	while (sign > text && *sign != '+' && *sign != '-')
		sign--;
	if (sign == text || !size_parse(sign + 1, offset))
		return NULL;
	*minus = *sign == '-';
	return g_strndup(text, (size_t)(sign - text));
}

static char *why_unknown(const char *text, const char *base)
{
	if (number_is_too_large(base))
		return g_strdup_printf("'%s' is not below 2^64", text);
	if (number_is_bare_hex(base))
		return g_strdup_printf("'%s' is no name; hex is written with 0x: 0x%s", text, text);
	return g_strdup_printf("'%s' is no number (decimal, or hex with 0x) and no name: sp, pc, "
	                       "brk, stack, heap, vdso, a mapped file, a symbol of one",
	                       text);
}

/* Add the offset to *VA. Returns NULL or why that is no address. */
static char *add_offset(const char *text, uint64_t *va, bool minus, uint64_t offset)
{
	bool overflow = minus ? __builtin_sub_overflow(*va, offset, va)
	                      : __builtin_add_overflow(*va, offset, va);

	return overflow ? g_strdup_printf("'%s' is below 0 or above 2^64", text) : NULL;
}

char *address_parse(struct vm_process *process, const char *text, uint64_t *va)
{
	bool minus = false, missing = false;
	uint64_t offset = 0;

	if (number_parse(text, va) || find_fixed(process, text, va, &missing))
		return NULL;
	g_autofree char *base = split_offset(text, &minus, &offset);
	/* What needs no search comes first. */
	if (base != NULL && (number_parse(base, va) || find_fixed(process, base, va, &missing)))
		return add_offset(text, va, minus, offset);
	if (find_name(process, text, va))
		return NULL;
	if (base != NULL && find_name(process, base, va))
		return add_offset(text, va, minus, offset);
	if (missing)
		return g_strdup_printf("the process has no area [%s]", base != NULL ? base : text);
	return why_unknown(text, base != NULL ? base : text);
}

char *address_question(struct vm_process *process, const char *text)
{
	g_autofree char *hex = g_strconcat("0x", text, NULL);
	uint64_t decimal, meant;

	if (strncmp(text, "0x", 2) == 0 || !number_parse(text, &decimal) ||
	    !number_parse(hex, &meant) || decimal == meant || has_area(process, decimal) ||
	    !has_area(process, meant))
		return NULL;
	return g_strdup_printf("did you mean %s?", hex);
}
