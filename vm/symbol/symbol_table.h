/*
 * symbol_table.h - finds symbols in an ELF file. The bytes may be hostile.
 *
 *     symbol_table_open                        finds .symtab, or else .dynsym
 *       symbol_table_find, symbol_table_at     by name, by address
 *     symbol_table_close
 *
 * The tables are read forward, in pieces, however large the file says they are. What is malformed
 * counts as not there. The time is bounded by the source: a search ends at the first read that
 * fails. Nothing here uses an address space, a machine or a lock, so tests can pass arrays.
 *
 * Addresses are those of the file (st_value), not of a process. Only symbols that stand for a place
 * in the file's own memory count: defined, in a section, no thread-local variables, sections or
 * names of source files.
 */
#ifndef VM_SYMBOL_SYMBOL_TABLE_H
#define VM_SYMBOL_SYMBOL_TABLE_H

#include "vm/exec/elf.h"

struct symbol_table;

/* The most bytes of a name; a longer one is cut, and cannot be found. */
enum { SYMBOL_NAME_MAX = 4096 };

/*
 * The symbols of ELF, which must be open as long as the table. NULL: it has neither table, or they
 * cannot be read. Close with symbol_table_close.
 */
struct symbol_table *symbol_table_open(const struct elf_file *elf);
void symbol_table_close(struct symbol_table *table);

/*
 * Find NAME, and store its address in *VALUE. Of several, a global one counts more than a weak one,
 * and that more than a local one; an old version (.gnu.version) counts least; then the first.
 * False: there is none.
 */
bool symbol_table_find(struct symbol_table *table, const char *name, uint64_t *value);

/*
 * The symbol that VALUE belongs to: one whose size covers it, or else the nearest before it, of
 * those without a size, in the same section. Of several at the same address, as above, and one that
 * begins with an underscore counts less. Returns its
 * name (free with g_free) with its address in *START, or NULL: there is none.
 */
char *symbol_table_at(struct symbol_table *table, uint64_t value, uint64_t *start);

#endif
