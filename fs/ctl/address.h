/*
 * address.h - addresses as users write them: numbers and names, each with +N or -N.
 */
#ifndef FS_CTL_ADDRESS_H
#define FS_CTL_ADDRESS_H

#include "vm/vm.h"

/* The fixed names of addresses. NULL ends them. */
extern const char *const address_names[];

/*
 * Set *VA to the address of PROCESS that TEXT means. It is a number (decimal, 0x hex), or the first
 * of these that it is the name of:
 *
 *     sp pc brk               the registers, the end of the heap
 *     stack heap vdso         the start of that area
 *     an ELF symbol of the program
 *     the last part of the name of a mapped file: the start of its first area
 *     an ELF symbol of another mapped file, in the order of maps
 *     FILE:SYMBOL, FILE:      the same for that file alone
 *
 * After any of them may come +N or -N, where N may end in K, M, G, T. A name that has a + or a - of
 * its own is tried first. Returns NULL, or why it means nothing; free with g_free.
 */
char *address_parse(struct vm_process *process, const char *text, uint64_t *va);

/*
 * If TEXT is a decimal number at which PROCESS has no area, but it has one if the digits are read
 * as hex: a question whether that was meant. Else NULL. Free with g_free.
 */
char *address_question(struct vm_process *process, const char *text);

#endif
