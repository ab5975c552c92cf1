/*
 * refstring.h - strings that several owners share. Like GLib's GRefString, but to make one may
 * fail.
 */
#ifndef UTIL_REFSTRING_H
#define UTIL_REFSTRING_H

/* A copy of TEXT with one reference. NULL: no memory. */
char *refstring_new(const char *text);

/* One more reference to STRING, which is returned. Any thread may call it. */
char *refstring_acquire(char *string);

/* Drop a reference to STRING, which may be NULL. The last one frees it. Any thread may call it. */
void refstring_release(char *string);

#endif
