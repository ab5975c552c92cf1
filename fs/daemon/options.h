/*
 * options.h - the command line: vasfs's own options by ONE table, the rest as libfuse takes them.
 */
#ifndef FS_DAEMON_OPTIONS_H
#define FS_DAEMON_OPTIONS_H

#include "vm/vm.h"

#include <fuse3/fuse_lowlevel.h>
#include <glib.h>

struct options {
	struct vm_config machine; /* all but the swap file, whose size it has */
	char *swap;               /* path of the swap file, absolute; NULL: one without a name */
	bool swapsize_given;
	char *policy;                  /* behind machine.policy; NULL: the default */
	char *mountpoint;              /* as given; NULL with -h and -V */
	struct fuse_cmdline_opts fuse; /* those that libfuse leaves to the program */
	struct fuse_args session;      /* for fuse_session_new */
};

/* Parse ARGV. False with ERROR set, and nothing to free, if something is wrong with it. */
bool options_parse(struct options *options, int argc, char **argv, GError **error);
void options_clear(struct options *options);

/* What -h prints. */
void options_print_help(const char *program);

#endif
