/*
 * words.h - the words and letters of commands: flags, open modes, protections, signals.
 */
#ifndef FS_CTL_WORDS_H
#define FS_CTL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* One word and the bits that it sets. A table ends with a NULL name. */
struct word {
	const char *name;
	uint64_t bits;
};

/*
 * Bits of mmap's FLAGS beside the MAP_ constants: each type and open mode has its own, so that two
 * of them show.
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
extern const struct word madvise_words[];  /* MADV_: a value, not bits, so one word only */
extern const struct word open_words[];     /* WORD_RDONLY, WORD_RDWR, WORD_WRONLY */

/*
 * The bits of the words in TEXT, which are joined with commas. NULL, or the word that WORDS does
 * not have (perhaps empty; free with g_free).
 */
char *words_parse(const struct word *words, const char *text, uint64_t *bits);

/*
 * `rwx` with `-` for what is missing, as PROT_ bits; with GROWSDOWN also `rw-,growsdown`. False if
 * it is anything else.
 */
bool prot_parse(const char *text, bool growsdown, int *prot);

/*
 * A signal by number (0 to 2^31-1) or by name, `TERM` or `SIGTERM` in either case. False if it is
 * neither.
 */
bool signal_parse(const char *text, int *number);

/* The open(2) access mode for one of the WORD_ modes; -1 for none or several. */
int word_access_mode(uint64_t mode);

#endif
