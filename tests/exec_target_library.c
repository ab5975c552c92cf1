/*
 * exec_target_library.c - a library for test_exec_compare, linked for pages of 2 MiB: its segments lie apart and want such
 * addresses. Thread-local variables of three alignments leave gaps between the modules' blocks.
 */
_Thread_local char exec_target_tls[TLS_SIZE] __attribute__((aligned(TLS_ALIGNMENT))) = {1};
int exec_target_data[100] = {1};
int exec_target_bss[5000];
