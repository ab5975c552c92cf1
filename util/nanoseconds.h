/*
 * nanoseconds.h - time as a signed count of nanoseconds, which reaches 292 years. All arithmetic is
 * done in it. A struct timespec only goes to and comes from the C library.
 */
#ifndef UTIL_NANOSECONDS_H
#define UTIL_NANOSECONDS_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SEC INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

static inline int64_t ns_from_timespec(const struct timespec *time)
{
	return time->tv_sec * NS_PER_SEC + time->tv_nsec;
}

/* NS must not be negative. */
static inline struct timespec ns_to_timespec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC};
}

static inline int64_t ns_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return ns_from_timespec(&now);
}

#endif
