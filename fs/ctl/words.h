/*
 * words.h - the words and letters in commands: flags, open modes, protections, signals.
 */
#ifndef FS_CTL_WORDS_H
#define FS_CTL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* A word and the bits that it sets. A NULL name ends a table. */
struct word {
	const char *name;
	uint64_t bits;
};

/*
 * Bits for words of mmap's FLAGS that are no MAP_ bits. Each type and each open mode has a bit of
 * its own, so that two of them can be detected.
 */
#define WORD_PRIVATE (UINT64_C(1) << 32)
#define WORD_SHARED (UINT64_C(1) << 33)
#define WORD_SHARED_VALIDATE (UINT64_C(1) << 34)
#define WORD_TYPES (WORD_PRIVATE | WORD_SHARED | WORD_SHARED_VALIDATE)
#define WORD_RDONLY (UINT64_C(1) << 40)
#define WORD_RDWR (UINT64_C(1) << 41)
#define WORD_WRONLY (UINT64_C(1) << 42)
#define WORD_MODES (WORD_RDONLY | WORD_RDWR | WORD_WRONLY)

extern const struct word mmap_words[];     /* MAP_ and WORD_ bits */
extern const struct word mremap_words[];   /* MREMAP_ */
extern const struct word msync_words[];    /* MS_, and `0` */
extern const struct word mlock2_words[];   /* MLOCK_ */
extern const struct word mlockall_words[]; /* MCL_ */
extern const struct word madvise_words[];  /* MADV_: a value instead of bits, so only one word */
extern const struct word open_words[];     /* WORD_RDONLY, WORD_RDWR, WORD_WRONLY */
extern const struct word access_words[];   /* enum vm_access: one word */
extern const struct word limit_words[];    /* enum vm_limit: one word */
extern const struct word prot_words[];     /* PROT_: the usual ones; prot_parse knows all */

/*
 * Set *BITS to the bits of the words in TEXT, which are joined with commas. Returns NULL, or the
 * first word that is not in WORDS (may be empty; free with g_free).
 */
char *words_parse(const struct word *words, const char *text, uint64_t *bits);

/*
 * Set *PROT to the PROT_ bits of TEXT: `rwx`, with `-` for a right that is missing, or without
 * dashes: `rw`, `rx`. With GROWSDOWN it may also be like `rw-,growsdown`. False if TEXT is anything
 * else.
 */
bool prot_parse(const char *text, bool growsdown, int *prot);

/*
 * Set *NUMBER to the signal that TEXT means: a number from 0 to 2^31-1, or a name such as `TERM` or
 * `SIGTERM`, in upper or lower case. False if TEXT is neither.
 */
bool signal_parse(const char *text, int *number);

/* The open(2) access mode for one of the WORD_ modes. -1 for none or several. */
int word_access_mode(uint64_t mode);

#endif
