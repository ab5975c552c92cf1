/*
 * exec_target_libraries.c - makes exec_target.c need the libraries that are built from
 * exec_target_library.c.
 */
int exec_target_first(int i);
int exec_target_second(int i);
int exec_target_third(int i);

extern int (*const exec_target_libraries[])(int i);

int (*const exec_target_libraries[])(int i) = {exec_target_first, exec_target_second,
                                               exec_target_third};
