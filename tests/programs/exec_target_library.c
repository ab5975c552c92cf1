/*
 * exec_target_library.c - a library NAME for test_exec_compare, linked for pages of 2 MiB: its
 * segments lie apart and want such addresses. Thread-local variables of different alignments leave
 * gaps between the libraries' blocks.
 */
static _Thread_local char tls[TLS_SIZE] __attribute__((aligned(TLS_ALIGNMENT))) = {1};
static int bss[5000];

int NAME(int i);

int NAME(int i)
{
	return tls[i] + bss[i]++;
}
