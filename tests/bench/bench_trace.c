/*
 * bench_trace.c - traces for the benchmarks of replay, and a loop that does as little as can be
 * done with one.
 *
 *     bench_trace zipf COUNT PAGES        COUNT page numbers by Zipf's law, a line each
 *     bench_trace stream COUNT            COUNT accesses that go through 64 MiB, a line each
 *     bench_trace loop FRAMES <NUMBERS    millions of references a second of a loop over dense
 *                                         arrays that counts the faults of the clock, and the
 *                                         faults. The numbers are read before it begins
 */
#include "tests/bench/bench.h"
#include "tests/fixture/zipf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

static void zipf(uint64_t count, uint32_t pages)
{
	struct zipf *zipf = zipf_new(pages, 1, 20240229);

	for (uint64_t i = 0; i < count; i++)
		printf("%u\n", zipf_next(zipf));
	zipf_free(zipf);
}

static void stream(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		printf("%c 0x%llx\n", i % 4 == 0 ? 'w' : 'r',
		       (unsigned long long)(0x10000000 + i * 64 % (64 << 20)));
}

/* The clock with bits that are set at load. Returns the faults. */
static uint64_t clock_faults(const uint32_t *string, uint64_t length, uint32_t pages,
                             uint32_t frames)
{
	uint8_t *state = calloc(pages, 1); /* 0: away, 1: bit clear, 2: bit set */
	uint32_t *page_in = calloc(frames, sizeof(*page_in)), hand = 0, used = 0;
	uint64_t faults = 0;

	if (state == NULL || page_in == NULL)
		bench_die("calloc");
	for (uint64_t t = 0; t < length; t++) {
		uint32_t page = string[t];
		if (state[page] == 0) {
			faults++;
			for (; used == frames && state[page_in[hand]] == 2;
			     hand = (hand + 1) % frames)
				state[page_in[hand]] = 1;
			if (used == frames)
				state[page_in[hand]] = 0;
			else
				used++;
			page_in[hand] = page;
			hand = (hand + 1) % frames;
		}
		state[page] = 2;
	}
	free(state);
	free(page_in);
	return faults;
}

static void loop(uint32_t frames)
{
	uint64_t length = 0, room = 1 << 20;
	uint32_t *string = malloc(room * sizeof(*string)), pages = 0;

	while (string != NULL && scanf("%u", &string[length]) == 1) {
		pages = string[length] >= pages ? string[length] + 1 : pages;
		if (++length == room)
			string = realloc(string, (room *= 2) * sizeof(*string));
	}
	if (string == NULL)
		bench_die("malloc");
	double start = bench_now();
	uint64_t faults = clock_faults(string, length, pages, frames);
	printf("%.2f %llu\n", (double)length / (bench_now() - start) / 1e6,
	       (unsigned long long)faults);
	free(string);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "zipf") == 0) {
		zipf(number(argv[2]), (uint32_t)number(argv[3]));
	} else if (argc == 3 && strcmp(argv[1], "stream") == 0) {
		stream(number(argv[2]));
	} else if (argc == 3 && strcmp(argv[1], "loop") == 0) {
		loop((uint32_t)number(argv[2]));
	} else {
		fputs("usage: bench_trace zipf COUNT PAGES | stream COUNT | loop FRAMES\n", stderr);
		return 2;
	}
	return 0;
}
