/*
 * ctlfile.c - the ctl files as FUSE sees them: streams, whose offsets mean nothing.
 */
#include "fs/files/ctlfile.h"
#include "fs/ctl/ctl.h"
#include "fs/files/request.h"

#include <errno.h>
#include <string.h>

static int ctlfile_open(struct fs_handle *handle)
{
	handle->state = fs_ctl_open(handle->mount, handle->node.process);
	return 0;
}

static void ctlfile_release(struct fs_handle *handle)
{
	fs_ctl_free(handle->state);
}

/*
 * Send only numbers that are an errno. The kernel drops an answer of 512 or more, and the caller
 * would wait forever.
 */
static void reply_error(fuse_req_t req, int error)
{
	fuse_reply_err(req, strerrorname_np(-error) != NULL ? -error : ERANGE);
}

static void ctlfile_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset,
                         int flags)
{
	struct fs_caller caller = request_caller(req);
	GString *out = g_string_new(NULL);
	int error = fs_ctl_read(handle->state, &caller, out, size);

	if (error != 0)
		reply_error(req, error);
	else
		fuse_reply_buf(req, out->str, out->len);
	g_string_free(out, TRUE);
}

static void ctlfile_write(fuse_req_t req, struct fs_handle *handle, const char *buf, size_t size,
                          off_t offset)
{
	struct fs_caller caller = request_caller(req);
	int error = fs_ctl_write(handle->state, &caller, buf, size);

	if (error != 0)
		reply_error(req, error);
	else
		fuse_reply_write(req, size);
}

static void ctlfile_flush(fuse_req_t req, struct fs_handle *handle)
{
	struct fs_caller caller = request_caller(req);

	reply_error(req, fs_ctl_close(handle->state, &caller));
}

const struct file_class ctlfile_class = {
    .open = ctlfile_open,
    .release = ctlfile_release,
    .read = ctlfile_read,
    .write = ctlfile_write,
    .flush = ctlfile_flush,
    .stream = true,
};
