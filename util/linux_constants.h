/*
 * linux_constants.h - constants of Linux that older headers lack, with the version that brought each.
 */
#ifndef UTIL_LINUX_CONSTANTS_H
#define UTIL_LINUX_CONSTANTS_H

#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* 4.17 */
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80 /* 6.6 */
#endif

#endif
