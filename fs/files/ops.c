/*
 * ops.c - the requests of FUSE. Each function answers its request exactly once.
 *
 * They run in many threads. Those that may wait for a host file are calls (call.h).
 */
#include "fs/files/ops.h"
#include "fs/files/call.h"
#include "fs/files/directory.h"
#include "fs/files/openfile.h"
#include "fs/files/request.h"
#include "fs/files/tree.h"
#include "fs/host/hostprocess.h"
#include "fs/text/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/statvfs.h>

static struct ops_server *request_server(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct fs_mount *request_mount(fuse_req_t req)
{
	return &request_server(req)->mount;
}

/* Who sent REQ, for the open file FI or NULL. */
static struct fs_caller get_caller(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct fs_caller caller = request_caller(req, fi);

	if (request_mount(req)->proc_pids < 0)
		caller.pid = 0;
	return caller;
}

/* Find the node that INO stands for. If there is none, answer REQ with ENOENT and return false. */
static bool get_node(fuse_req_t req, fuse_ino_t ino, struct tree_node *node)
{
	if (tree_find(request_mount(req), ino, node))
		return true;
	fuse_reply_err(req, ENOENT);
	return false;
}

static struct fs_handle *get_handle(const struct fuse_file_info *fi)
{
	return (struct fs_handle *)(uintptr_t)fi->fh;
}

/*
 * The open file FI, for a request about its contents. What may be done with an open file was
 * decided at its open, so only its opener may go on. A descriptor can reach a program with more
 * rights, as the standard error of a setuid program does. It must not lend them.
 *
 * If the sender has another uid or gid (those that count for files), answer REQ with EPERM and
 * return NULL. It costs nothing, so it is done for each request and each kind of file. Groups the
 * kernel does not send; only ctlfile.c compares them, because only commands depend on them.
 *
 * The sender is who reads or writes: all files are direct I/O, so the kernel keeps no bytes to
 * write back later or to read ahead for somebody else. Only a private mapping reads through its
 * cache.
 */
static struct fs_handle *get_own_handle(fuse_req_t req, const struct fuse_file_info *fi,
                                        struct fs_caller *caller)
{
	struct fs_handle *handle = get_handle(fi);

	*caller = get_caller(req, fi);
	if (openfile_is_opener(handle, caller))
		return handle;
	fuse_reply_err(req, EPERM);
	return NULL;
}

/*
 * What the modes do not say: which files only those may open, and which links only those may
 * follow, who may look into the process. Returns 0 or -EACCES, as /proc does.
 */
static int check_guard(const struct fs_mount *mount, const struct tree_node *node,
                       const struct fs_caller *caller)
{
	struct vm_cred owner;

	/* A caller's own directory is of no process here. */
	if (!node->file->guarded || node->process == NULL)
		return 0;
	owner = vm_process_cred(node->process);
	return rights_trace(mount, caller, &owner) ? 0 : -EACCES;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct ops_server *server = userdata;

	/*
	 * A private mapping of mem is filled by reads, and each read is an access. The kernel must
	 * read no page that nobody asked for: the process did not touch it, and where it has no
	 * memory, the answer is short and the kernel takes that for the end of the file.
	 */
	conn->max_readahead = 0;
	server->ready(server->ready_ctx);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs_mount *mount = request_mount(req);
	struct fuse_entry_param entry;
	struct tree_node dir, node;
	struct fs_caller caller;

	if (!get_node(req, parent, &dir))
		return;
	caller = get_caller(req, NULL);
	if (tree_lookup(mount, &dir, name, &caller, &node)) {
		tree_entry(mount, &node, &entry);
		tree_node_clear(&node);
		fuse_reply_entry(req, &entry);
	} else {
		fuse_reply_err(req, ENOENT);
	}
	tree_node_clear(&dir);
}

/*
 * Fill in the size of a text, if it can be known. Only for SEEK_END the kernel says which open file
 * is meant. For fstat it does not even say that there is one, but most likely it is one that the
 * asker opened: tar opens, asks, and relies on it. Who may not open a text is not told how long it
 * is. An open file that was empty says nothing of the next one, see SIZE_UNKNOWN.
 */
static void stat_text_now(struct fs_mount *mount, const struct tree_node *node,
                          const struct fs_caller *asker, const struct open_files *open,
                          struct stat *st)
{
	const struct file_class *class = node->file->class;
	bool passes = st->st_mode & S_IROTH || asker->uid == 0 || asker->uid == st->st_uid;
	bool readable = passes && check_guard(mount, node, asker) == 0;
	off_t size = open->own;

	if (size <= 0 && class->measure != NULL && readable)
		size = class->measure(mount, node, asker);
	if (size < 0 && readable)
		size = open->last;
	blkcnt_t blocks = st->st_blocks;
	if (size >= 0)
		tree_set_size(st, size);
	/* Of a file with holes the class knows how much there is. */
	if (class->seek != NULL)
		st->st_blocks = MIN(st->st_blocks, blocks);
}

/*
 * An open file keeps its attributes after the end of its process, as in /proc. Programs ask for
 * them before they read the result of `exit`.
 */
static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_mount *mount = request_mount(req);
	struct fs_caller asker = get_caller(req, NULL);
	struct open_files open;
	struct tree_node node;
	struct stat st;
	bool found = tree_find(mount, ino, &node);

	if (!openfile_look(&request_server(req)->handles, ino, &asker, &open) && !found) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	if (!found)
		node = tree_node_copy(&open.node);
	if (fi != NULL && get_handle(fi)->class->size != NULL &&
	    openfile_is_opener(get_handle(fi), &asker))
		open.own = get_handle(fi)->class->size(get_handle(fi));
	tree_stat(mount, &node, &st);
	if (node.file->class != NULL && node.file->class->size != NULL)
		stat_text_now(mount, &node, &asker, &open, &st);
	fuse_reply_attr(req, &st, tree_attr_timeout(&node));
	tree_node_clear(&open.node);
	tree_node_clear(&node);
}

static int check_setattr(const struct tree_file *file, int to_set)
{
	const struct file_class *class = openfile_class(file);

	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		return EPERM;
	if (to_set & FUSE_SET_ATTR_SIZE && (class == NULL || class->write == NULL))
		return EACCES;
	return 0;
}

/* Truncation and new times are accepted and do nothing: dd truncates, and touch sets times. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                       struct fuse_file_info *fi)
{
	struct tree_node node;
	struct stat st;
	int error;

	if (!get_node(req, ino, &node))
		return;
	error = check_setattr(node.file, to_set);
	if (error != 0) {
		fuse_reply_err(req, error);
	} else {
		tree_stat(request_mount(req), &node, &st);
		fuse_reply_attr(req, &st, tree_attr_timeout(&node));
	}
	tree_node_clear(&node);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_caller caller = get_caller(req, NULL);
	struct fs_mount *mount = request_mount(req);
	struct tree_node node;
	char *target = NULL;
	int error;

	if (!get_node(req, ino, &node))
		return;
	error = S_ISLNK(node.file->mode) ? check_guard(mount, &node, &caller) : -EINVAL;
	if (error == 0)
		target = node.file->link(mount, node.process, node.index, &caller, &error);
	if (target != NULL)
		fuse_reply_readlink(req, target);
	else
		fuse_reply_err(req, -error);
	g_free(target);
	tree_node_clear(&node);
}

/* --- Open files ------------------------------------------------------------------------------- */

/* The kernel's check of the mode lets root pass, but a file without write cannot be written. */
static int check_open(const struct tree_file *file, int flags)
{
	const struct file_class *class = openfile_class(file);

	if (class == NULL)
		return -ELOOP;
	if ((flags & O_ACCMODE) != O_WRONLY && file->write_only)
		return -EACCES;
	return (flags & O_ACCMODE) != O_RDONLY && class->write == NULL ? -EACCES : 0;
}

/* Answer REQ after an open that succeeded. */
static void reply_open(fuse_req_t req, struct fs_handle *handle, struct fuse_file_info *fi)
{
	fi->fh = (uintptr_t)handle;
	if (!S_ISDIR(handle->node.file->mode)) {
		fi->direct_io = 1;
		fi->nonseekable = handle->class->stream;
		fi->noflush = handle->class->flush == NULL;
	}
	if (fuse_reply_open(req, fi) ==
	    -ENOENT) /* the caller was interrupted, so no release will come */
		openfile_put(handle);
}

/* For files and directories. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_caller caller = get_caller(req, NULL);
	struct fs_handle *handle;
	struct tree_node node;
	int error;

	if (!get_node(req, ino, &node))
		return;
	error = check_open(node.file, fi->flags);
	if (error == 0)
		error = check_guard(request_mount(req), &node, &caller);
	if (error == 0)
		error = openfile_new(&request_server(req)->handles, request_mount(req), &node,
		                     &caller, fi->flags, &handle);
	if (error != 0)
		fuse_reply_err(req, -error);
	else
		reply_open(req, handle, fi);
	tree_node_clear(&node);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	openfile_put(get_handle(fi));
	fuse_reply_err(req, 0);
}

/* --- Their contents --------------------------------------------------------------------------- */

/*
 * Whether the kernel reads for its page cache. read(2) does not use the cache, since the file was
 * opened with direct_io, but splice, sendfile and private mappings do (filemap_splice_read): they
 * end at the size that the kernel was told, and find the same bytes until someone opens the file.
 * Only these reads name no owner of locks.
 */
static bool is_for_cache(const struct fuse_file_info *fi)
{
	return fi->lock_owner == 0;
}

/*
 * Whether the page cache may get pages of HANDLE for CALLER. It keeps them while memory changes, so
 * only mem gives some, because a private mapping needs them. A splice does not.
 */
static bool may_cache(const struct fs_handle *handle, const struct fs_caller *caller)
{
	return handle->class->cached && !hostprocess_splices(handle->mount, caller->pid);
}

static bool takes_long(const struct fs_handle *handle)
{
	return handle->class->slow ||
	       (handle->class->takes_long != NULL && handle->class->takes_long(handle));
}

/* Do the work of CALL, if it may take long as a call, else at once. */
static void submit(const struct fs_call *call)
{
	if (!takes_long(call->handle)) {
		call->run(call);
		return;
	}
	openfile_ref(call->handle);
	call_submit(request_server(call->req)->calls, call);
}

static void run_read(const struct fs_call *call)
{
	call->handle->class->read(call->req, &call->caller, call->handle, call->size, call->offset,
	                          call->flags);
}

static void run_write(const struct fs_call *call)
{
	call->handle->class->write(call->req, &call->caller, call->handle, call->bytes, call->size,
	                           call->offset);
}

static void run_flush(const struct fs_call *call)
{
	call->handle->class->flush(call->req, &call->caller, call->handle);
}

/* EINVAL is what splice answers in /proc. Programs that try it first then go on with read. */
static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
	struct fs_caller caller;
	struct fs_handle *handle = get_own_handle(req, fi, &caller);

	if (handle == NULL)
		return;
	if (is_for_cache(fi) && !may_cache(handle, &caller))
		fuse_reply_err(req, EINVAL);
	else
		submit(&(struct fs_call){req, handle, caller, run_read, NULL, size, offset,
		                         fi->flags});
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
	struct fs_caller caller;
	struct fs_handle *handle = get_own_handle(req, fi, &caller);

	if (handle != NULL)
		submit(&(struct fs_call){req, handle, caller, run_write, buf, size, offset,
		                         fi->flags});
}

/* Anybody may close a descriptor. Only the opener's close means something. */
static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_caller caller = get_caller(req, fi);
	struct fs_handle *handle = get_handle(fi);

	if (handle->class->flush != NULL && openfile_is_opener(handle, &caller))
		submit(&(struct fs_call){req, handle, caller, run_flush, NULL, 0, 0, fi->flags});
	else
		fuse_reply_err(req, 0);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                     struct fuse_file_info *fi)
{
	struct fs_caller caller;
	struct fs_handle *handle = get_own_handle(req, fi, &caller);

	if (handle == NULL)
		return;
	/* ENOSYS would turn seeking off for all files. */
	if (handle->class->seek != NULL)
		handle->class->seek(req, handle, offset, whence);
	else
		fuse_reply_err(req, EINVAL);
}

/* _IO(0xb7, N) of linux/nsfs.h. */
enum { IOCTL_NS_GET_USERNS = 0xb701, IOCTL_NS_GET_PARENT = 0xb702 };

/*
 * No file takes any. A namespace of the machine has no owner and no parent that a program could
 * see, which Linux says with EPERM.
 */
static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int command, void *arg,
                     struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
                     size_t out_size)
{
	const struct tree_numbers *numbers = get_handle(fi)->node.file->numbers;
	bool namespace = numbers != NULL && numbers->ino != NULL;
	bool asks = command == IOCTL_NS_GET_USERNS || command == IOCTL_NS_GET_PARENT;

	fuse_reply_err(req, namespace && asks ? EPERM : ENOTTY);
}

/* Without poll in its class a file is always ready, as for the kernel a file without poll is. */
static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                    struct fuse_pollhandle *pollhandle)
{
	struct fs_caller caller;
	struct fs_handle *handle = get_own_handle(req, fi, &caller);

	if (handle != NULL && handle->class->poll != NULL) {
		handle->class->poll(req, handle, pollhandle);
		return;
	}
	if (pollhandle != NULL)
		fuse_pollhandle_destroy(pollhandle);
	if (handle != NULL)
		fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

/* --- Directories ------------------------------------------------------------------------------ */

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *fi)
{
	struct fs_caller caller;
	struct fs_handle *handle = get_own_handle(req, fi, &caller);

	if (handle != NULL)
		directory_read(req, handle, size, offset, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
	struct fs_caller caller;
	struct fs_handle *handle = get_own_handle(req, fi, &caller);

	if (handle != NULL)
		directory_read(req, handle, size, offset, true);
}

/* No blocks, as /proc says, so that df leaves the mount out. */
static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = VM_PAGE_SIZE, .f_frsize = VM_PAGE_SIZE, .f_namemax = 255};

	fuse_reply_statfs(req, &st);
}

/* --- What only commands can do ---------------------------------------------------------------- */

/* No file is made by its name. /proc answers ENOENT to that. */
static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	fuse_reply_err(req, ENOENT);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	fuse_reply_err(req, ENOENT);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENOENT);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, ENOENT);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                      const char *new_name, unsigned int flags)
{
	fuse_reply_err(req, EPERM);
}

const struct fuse_lowlevel_ops ops_table = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .open = op_open,
    .release = op_release,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .lseek = op_lseek,
    .poll = op_poll,
    .ioctl = op_ioctl,
    .opendir = op_open,
    .releasedir = op_release,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .statfs = op_statfs,
    .mkdir = op_mkdir,
    .mknod = op_mknod,
    .create = op_create,
    .symlink = op_symlink,
    .unlink = op_unlink,
    .rmdir = op_unlink,
    .rename = op_rename,
};

/* --- The server ------------------------------------------------------------------------------- */

void ops_server_init(struct ops_server *server)
{
	openfile_table_init(&server->handles);
}

bool ops_server_start(struct ops_server *server)
{
	server->calls = calls_new(openfile_put);
	return server->calls != NULL;
}

void ops_server_close(struct ops_server *server)
{
	/* First: calls that were interrupted still have references to handles. */
	calls_free(server->calls);
	openfile_table_close(&server->handles);
}
