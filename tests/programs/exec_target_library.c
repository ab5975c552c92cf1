/*
 * exec_target_library.c - a library NAME for test_exec_compare. It is linked for pages of 2 MiB, so
 * its segments lie far apart and must be aligned to 2 MiB. Its thread-local variables have
 * different alignments, which leaves gaps between the blocks of the libraries.
 */
static _Thread_local char tls[TLS_SIZE] __attribute__((aligned(TLS_ALIGNMENT))) = {1};
static int bss[5000];

int NAME(int i);

int NAME(int i)
{
	return tls[i] + bss[i]++;
}
