/*
 * storm.h - what the kinds of clients of storm (storm.c) share: children, and requests to a mount.
 */
#ifndef TESTS_PROGRAMS_STORM_H
#define TESTS_PROGRAMS_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A client that is to end or to get something within this time, ms: only a hang takes longer. */
enum { PAGE = 4096, MIB = 1 << 20, PATIENCE_MS = 60000 };

/* The commands of storm.c. 0: nothing was wrong. */
int cmd_mix(char **arg);
int cmd_readers(char **arg);
int cmd_hold(char **arg);
int cmd_hold_only(char **arg);
int cmd_lines(char **arg);
int cmd_interrupt(char **arg);
int cmd_work(char **arg);
int cmd_probe(char **arg);

/* Print WHAT with errno, and exit. */
_Noreturn void die(const char *what);

/* TEXT as a number; exits if it is none. */
uint64_t number(const char *text);

/* A random number below LIMIT. STATE may start as any number. */
uint64_t random_below(uint64_t *state, uint64_t limit);

double now_ms(void);
void sleep_us(long us);

/* Memory that this process shares with its children. */
void *shared(size_t size);

/* fork; the child ends with its parent. */
pid_t child_new(void);

/* Wait for all children. Returns how many did not exit with 0. */
int wait_all(void);

/* The mount that the following are about. */
extern const char *mount_dir;

/* Open a file of the mount, whose name is given as by printf. A descriptor or a negative errno. */
int open_in(int flags, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Give COMMAND to process PID (0: to the machine). ANSWER gets the first line. 0 or a negative
 * errno.
 */
int ctl(unsigned pid, char answer[static 256], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The pid that COMMAND to PID answers, or a negative errno. */
int new_pid(unsigned pid, const char *command);

/*
 * Spawn a process and give it MMAP_COMMAND, whose answer goes to *ADDRESS. Returns the pid; exits
 * if that fails.
 */
unsigned must_spawn(const char *mmap_command, uint64_t *address);

/* Read the file NAME of the process DIR to its end. 0 or a negative errno. */
int read_whole(const char *dir, const char *name);

/* What `ls` does, or `ls -l`. Names may go between the two looks. 0 or a negative errno. */
int list(bool details);

#endif
