/*
 * processor.c - what ld.so concludes from cpuid. See processor.h.
 *
 * The level is that of the x86-64 psABI (glibc's get_isa_level). For Intel processors there are
 * also the names that were used before there were levels (init_cpu_features). AVX and AVX-512 count
 * only if the kernel saves their registers.
 */
#include "vm/exec/processor.h"

#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of leaf 7, EBX, which not every cpuid.h defines. */
#define AVX512PF (UINT32_C(1) << 26)
#define AVX512ER (UINT32_C(1) << 27)

#define AVX_BASIC (bit_AVX | bit_F16C | bit_FMA)
#define AVX512_COMMON (bit_AVX512CD | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL)

struct features {
	uint32_t basic;    /* leaf 1, ECX */
	uint32_t extended; /* leaf 7, EBX */
	uint32_t amd;      /* leaf 0x80000001, ECX */
};

/* For each level from x86-64-v2 on: the features that the level below does not need. */
static const struct features levels[] = {
    {bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT, 0, bit_LAHF_LM},
    {AVX_BASIC | bit_MOVBE, bit_AVX2 | bit_BMI | bit_BMI2, bit_LZCNT},
    {0, bit_AVX512F | AVX512_COMMON, 0},
};

static const struct features haswell = {bit_FMA | bit_MOVBE | bit_POPCNT,
                                        bit_AVX2 | bit_BMI | bit_BMI2, bit_LZCNT};
static const struct features xeon_phi = {0, bit_AVX512CD | AVX512ER | AVX512PF, 0};
static const struct features avx512 = {0, AVX512_COMMON, 0};

static bool has(const struct features *features, const struct features *wanted)
{
	return (features->basic & wanted->basic) == wanted->basic &&
	       (features->extended & wanted->extended) == wanted->extended &&
	       (features->amd & wanted->amd) == wanted->amd;
}

static void read_features(struct features *features)
{
	uint32_t eax, ebx = 0, ecx = 0, edx;

	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	features->basic = ecx;
	ebx = ecx = 0;
	__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	features->extended = ebx;
	ecx = 0;
	__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx);
	features->amd = ecx;
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx")) {
		features->basic &= ~(uint32_t)AVX_BASIC;
		features->extended &= ~(uint32_t)bit_AVX2;
	}
	if (!__builtin_cpu_supports("avx512f"))
		features->extended &=
		    ~(uint32_t)(bit_AVX512F | AVX512_COMMON | AVX512ER | AVX512PF);
}

void processor_read(struct processor *processor)
{
	struct features features;

	read_features(&features);
	*processor = (struct processor){.level = 1, .platform = "x86_64"};
	for (size_t i = 0; i < sizeof levels / sizeof *levels && has(&features, &levels[i]); i++)
		processor->level++;
	if (!__builtin_cpu_is("intel"))
		return;
	processor->avx512 = has(&features, &avx512) && !(features.extended & AVX512ER);
	if (has(&features, &xeon_phi))
		processor->platform = "xeon_phi";
	else if (has(&features, &haswell))
		processor->platform = "haswell";
}
