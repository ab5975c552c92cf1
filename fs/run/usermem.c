/*
 * usermem.c - the memory of the program that makes a system call.
 */
#include "fs/run/syscall.h"

#include <limits.h>
#include <string.h>

int call_get(struct call *call, uint64_t va, void *buf, size_t len)
{
	return len == 0 || vm_copy_in(call->process, va, buf, len) == (ssize_t)len ? 0 : -EFAULT;
}

int call_put(struct call *call, uint64_t va, const void *buf, size_t len)
{
	return len == 0 || vm_copy_out(call->process, va, buf, len) == (ssize_t)len ? 0 : -EFAULT;
}

char *call_string(struct call *call, uint64_t va, size_t most, int *error)
{
	g_autoptr(GString) string = g_string_new(NULL);
	char piece[256];

	/* A piece ends at the end of a page: the string may end before a page that is not there. */
	while (string->len < most) {
		size_t len = MIN(sizeof piece, most - string->len);
		len = MIN(len, VM_PAGE_SIZE - va % VM_PAGE_SIZE);
		if (call_get(call, va, piece, len) != 0) {
			*error = -EFAULT;
			return NULL;
		}
		const char *end = memchr(piece, 0, len);
		g_string_append_len(string, piece, end != NULL ? end - piece : (gssize)len);
		if (end != NULL) {
			*error = 0;
			return g_string_free(g_steal_pointer(&string), FALSE);
		}
		va += len;
	}
	*error = -ENAMETOOLONG;
	return NULL;
}

char *call_path(struct call *call, uint64_t va, bool empty, int *error)
{
	char *path = call_string(call, va, PATH_MAX, error);

	if (path != NULL && path[0] == '\0' && !empty) {
		g_free(path);
		*error = -ENOENT;
		return NULL;
	}
	return path;
}
