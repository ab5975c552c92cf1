/*
 * mountpoint.c - checks the directory to mount on.
 *
 * /proc/self/mountinfo says what is mounted there. A stat of our own mount would wait for our own
 * answer.
 */
#include "fs/daemon/mountpoint.h"
#include "util/proc.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct mounted {
	dev_t dev;
	char type[64];
};

/* Whether LINE of mountinfo is about PATH. If so, fill in *MOUNTED. */
static bool line_parse(const char *line, const char *path, struct mounted *mounted)
{
	/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
	g_auto(GStrv) fields = g_strsplit(line, " ", 6);
	const char *type = strstr(line, " - ");
	unsigned major_number, minor_number;

	if (g_strv_length(fields) < 6 || type == NULL)
		return false;
	g_autofree char *place = g_strcompress(fields[4]);
	if (strcmp(place, path) != 0 ||
	    sscanf(fields[2], "%u:%u", &major_number, &minor_number) != 2)
		return false;
	mounted->dev = makedev(major_number, minor_number);
	return sscanf(type, " - %63s", mounted->type) == 1;
}

/* Find what is mounted on PATH, the topmost mount if there are several. False if nothing is. */
static bool find_mounted(int proc, const char *path, struct mounted *mounted)
{
	g_autofree char *text = proc_read(proc, "self/mountinfo");
	bool found = false;

	if (text == NULL)
		return false;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		found |= line_parse(lines[i], path, mounted);
	errno = ENOENT;
	return found;
}

dev_t mountpoint_dev(int proc, const char *path)
{
	struct mounted mounted;

	return find_mounted(proc, path, &mounted) ? mounted.dev : 0;
}

static bool refuse(const char *path, int error_number, GError **error)
{
	const char *what = error_number == ENOENT ? "no such directory" : g_strerror(error_number);

	if (error_number == ENOTCONN)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		            "%s: there is a dead mount, whose daemon is gone; clear it with: "
		            "fusermount3 -u %s",
		            path, path);
	else
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(error_number), "%s: %s",
		            path, what);
	return false;
}

static bool check_directory(int proc, const char *path, GError **error)
{
	struct mounted mounted;
	bool fuse = find_mounted(proc, path, &mounted) && g_str_has_prefix(mounted.type, "fuse");
	struct stat st;

	if (stat(path, &st) != 0 && (!fuse || errno == ENOTCONN))
		return refuse(path, errno, error);
	if (fuse) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
		            "%s: a %s file system is mounted there already; unmount it with: "
		            "fusermount3 -u %s",
		            path, mounted.type, path);
		return false;
	}
	return S_ISDIR(st.st_mode) || refuse(path, ENOTDIR, error);
}

char *mountpoint_check(int proc, const char *given, GError **error)
{
	char path[PATH_MAX];

	if (realpath(given, path) == NULL) {
		refuse(given, errno, error);
		return NULL;
	}
	return check_directory(proc, path, error) ? g_strdup(path) : NULL;
}
