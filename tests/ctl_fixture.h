/*
 * ctl_fixture.h - a machine with one process and an open ctl file, without a mount, and short ways to talk to it.
 */
#ifndef TESTS_CTL_FIXTURE_H
#define TESTS_CTL_FIXTURE_H

#include "fs/ctl/ctl.h"

struct ctl_fixture {
	struct fs_mount mount;
	struct fs_caller me;
	struct vm_process *process;
	struct fs_ctl_open *open; /* of the process's ctl */
	char *dir;                /* with `file`, of two pages */
};

void ctl_set_up(struct ctl_fixture *f, const void *unused);
void ctl_tear_down(struct ctl_fixture *f, const void *unused);

/* Write TEXT: 0 or a negative errno. */
int ctl_put(struct ctl_fixture *f, struct fs_ctl_open *open, const char *text);

/* Everything up to the end of file, in reads of STEP bytes. Free with g_free. */
char *ctl_get_in_steps(struct ctl_fixture *f, struct fs_ctl_open *open, size_t step);
char *ctl_get(struct ctl_fixture *f, struct fs_ctl_open *open);

/* Everything up to the end of file is WANTED. */
void ctl_expect(struct ctl_fixture *f, struct fs_ctl_open *open, const char *wanted);

/* The answer to COMMAND on an open of its own, without the last newline. PROCESS NULL: the machine. Free with g_free. */
char *ctl_ask(struct ctl_fixture *f, struct vm_process *process, const char *command);
uint64_t ctl_ask_number(struct ctl_fixture *f, struct vm_process *process, const char *command);

/* COMMAND (without a newline) fails with ERROR and a line that says so. */
void ctl_expect_error(struct ctl_fixture *f, struct vm_process *process, const char *command, int error);

size_t ctl_process_count(struct ctl_fixture *f);

#endif
