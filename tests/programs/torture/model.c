/*
 * model.c - what every byte of the arena and of the objects must be.
 */
#include "torture.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct page page[PAGES];
struct common *common;
bool concurrent, in_child;

static unsigned char own[PAGES][PAGE];
static uint64_t state, hash;

void random_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64 */
uint64_t random_number(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

unsigned below(unsigned limit)
{
	return (unsigned)(random_number() % limit);
}

void hash_start(uint64_t value)
{
	hash = value;
}

void hash_add(uint64_t value)
{
	hash = (hash ^ value) * 0x100000001b3;
	hash ^= hash >> 29;
}

uint64_t hash_value(void)
{
	return hash;
}

void wrong(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "torture: wrong: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	_exit(1);
}

enum outcome outcome_of(unsigned p, int access)
{
	const struct page *at = &page[p];

	if (p >= PAGES || at->kind == NONE)
		return MAPERR;
	if (at->prot == PROT_NONE || (access != PROT_EXEC && !(at->prot & access)))
		return ACCERR;
	if (at->kind != ANON && (uint64_t)at->index * PAGE >= common->size[at->object])
		return BUSERR;
	/* Only a page that is there can forbid that it is run. */
	return at->prot & access ? FINE : ACCERR;
}

const unsigned char *bytes_of(unsigned p)
{
	const struct page *at = &page[p];

	if (at->kind == ANON || at->owned)
		return own[p];
	return common->bytes[at->object] + (size_t)at->index * PAGE;
}

unsigned char *own_bytes_of(unsigned p)
{
	struct page *at = &page[p];
	unsigned char *bytes = common->bytes[at->object] + (size_t)at->index * PAGE;

	if (at->kind == SHARED)
		return bytes;
	if (at->kind == FILE_PRIVATE && !at->owned) {
		memcpy(own[p], bytes, PAGE);
		at->owned = true;
	}
	return own[p];
}

void page_forget(unsigned p)
{
	page[p].owned = page[p].lazy = false;
	if (page[p].kind == ANON)
		memset(own[p], 0, PAGE);
}

void page_move(unsigned from, unsigned to)
{
	page[to] = page[from];
	if (page[from].kind == ANON || page[from].owned)
		memcpy(own[to], own[from], PAGE);
	page[from] = (struct page){.kind = NONE};
}
