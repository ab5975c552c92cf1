/*
 * options.h - the command line. A table in options.c has vasfs's own options; libfuse takes the
 * others.
 */
#ifndef FS_DAEMON_OPTIONS_H
#define FS_DAEMON_OPTIONS_H

#include "vm/vm.h"

#include <fuse3/fuse_lowlevel.h>
#include <glib.h>

struct options {
	struct vm_config machine; /* without the descriptor of the swap file; `swap` is its size */
	char *swap;               /* absolute path of the swap file; NULL for one without a name */
	bool swapsize_given;
	bool no_cpu;                   /* no program can run */
	char *policy;                  /* what machine.policy points to; NULL for the default */
	char *mountpoint;              /* as given; NULL with -h and -V */
	struct fuse_cmdline_opts fuse; /* options that libfuse leaves to the program */
	struct fuse_args session;      /* for fuse_session_new */
};

/*
 * Parse ARGV. If something is wrong, returns false with ERROR set, and there is nothing to clear.
 */
bool options_parse(struct options *options, int argc, char **argv, GError **error);
/* Free what OPTIONS holds. */
void options_clear(struct options *options);

/* Print the help of -h on standard output. */
void options_print_help(const char *program);

#endif
