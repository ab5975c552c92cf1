/*
 * ctlfile.c - the ctl files as FUSE sees them: streams, whose offsets mean nothing.
 *
 * Commands open host files with the supplementary groups of whoever opened the ctl file, as they
 * were then, so those are looked up once. A sender in another process whose groups differ is
 * refused. The thread that opened the file is not asked again: without privilege its groups stay
 * what they are, and whatever became of it, it gets those of the open.
 *
 * Where we have no descriptor to look them up with, the file opens nevertheless: most commands need
 * no groups. Those that open a file as another user fail as the look did, and so does another
 * process.
 */
#include "fs/files/ctlfile.h"
#include "fs/ctl/ctl.h"
#include "fs/files/call.h"
#include "fs/host/hostprocess.h"

#include <errno.h>
#include <string.h>

struct ctlfile {
	struct fs_ctl_open *stream;
	GArray *groups; /* the opener's; NULL: not known */
	int lack;       /* why not, see struct fs_caller */
};

static int ctlfile_open(struct fs_handle *handle)
{
	struct ctlfile *file = g_try_new0(struct ctlfile, 1);

	if (file == NULL)
		return -ENOMEM;
	file->stream = fs_ctl_open(handle->mount, handle->node.process, handle->opener.uid);
	if (file->stream == NULL) {
		g_free(file);
		return -ENOMEM;
	}
	file->groups = hostprocess_groups(handle->mount, &handle->opener, &file->lack);
	handle->state = file;
	return 0;
}

static void ctlfile_release(struct fs_handle *handle)
{
	struct ctlfile *file = handle->state;

	fs_ctl_free(file->stream);
	g_clear_pointer(&file->groups, g_array_unref);
	g_free(file);
}

/* Groups that are not known are equal to no others, but to each other: they give no rights. */
static bool same_groups(const GArray *a, const GArray *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	/* An empty array may have no data, and memcmp takes no NULL. */
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(uint32_t)) == 0);
}

/*
 * Whether CALLER may act as the opener of HANDLE: 0 or a negative errno. *OPENER: CALLER, in the
 * opener's groups.
 */
static int act_as_opener(const struct fs_handle *handle, const struct fs_caller *caller,
                         struct fs_caller *opener)
{
	const struct ctlfile *file = handle->state;

	*opener = *caller;
	opener->groups = file->groups;
	opener->lack = file->lack;
	if (caller->pid == handle->opener.pid)
		return 0;
	if (file->lack < 0)
		return file->lack;
	int lack;
	g_autoptr(GArray) groups = hostprocess_groups(handle->mount, caller, &lack);
	if (lack < 0)
		return lack;
	return same_groups(groups, file->groups) ? 0 : -EPERM;
}

/*
 * Send only numbers that are an errno. The kernel drops an answer of 512 or more, and the caller
 * would wait forever.
 */
static void reply_error(fuse_req_t req, int error)
{
	fuse_reply_err(req, strerrorname_np(-error) != NULL ? -error : ERANGE);
}

static void ctlfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                         size_t size, off_t offset, int flags)
{
	const struct ctlfile *file = handle->state;
	g_autoptr(GString) out = g_string_new(NULL);
	struct fs_caller opener;
	int error = act_as_opener(handle, caller, &opener);

	if (error == 0)
		error = fs_ctl_read(file->stream, &opener, out, size);
	if (!call_claim())
		return;
	if (error != 0)
		reply_error(req, error);
	else
		fuse_reply_buf(req, out->str, out->len);
}

static void ctlfile_write(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          const char *buf, size_t size, off_t offset)
{
	const struct ctlfile *file = handle->state;
	struct fs_caller opener;
	ssize_t taken = act_as_opener(handle, caller, &opener);

	if (taken == 0)
		taken = fs_ctl_write(file->stream, &opener, buf, size);
	if (!call_claim())
		return;
	if (taken < 0)
		reply_error(req, (int)taken);
	else
		fuse_reply_write(req, (size_t)taken);
}

/*
 * ENOSYS would mean that there is no flush: the kernel would send none any more, for no file. But
 * it may come from a file system of the host.
 */
static void ctlfile_flush(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle)
{
	const struct ctlfile *file = handle->state;
	struct fs_caller opener;
	int error = 0;

	if (act_as_opener(handle, caller, &opener) == 0)
		error = fs_ctl_close(file->stream, &opener);
	if (call_claim())
		reply_error(req, error == -ENOSYS ? -EIO : error);
}

const struct file_class ctlfile_class = {
    .open = ctlfile_open,
    .release = ctlfile_release,
    .read = ctlfile_read,
    .write = ctlfile_write,
    .flush = ctlfile_flush,
    .stream = true,
    .slow = true,
};
