/*
 * tree.h - the files of a mount: ONE table in tree.c, and the inode numbers that stand for its
 * rows.
 *
 * A node is a row of the table, in a process or in the root. Its inode number is made of what tells
 * it apart, so that nothing has to be kept for nodes that the kernel knows, and a number never
 * means anything else later: pids are not used again.
 *
 *      63            32 31             8 7        0
 *     +----------------+----------------+----------+
 *     | pid, 0: root   | index          | row + 1  |     the root directory is row 0, thus 1
 *     +----------------+----------------+----------+
 *
 * To add a file, write its functions and add a row.
 */
#ifndef FS_FILES_TREE_H
#define FS_FILES_TREE_H

#include "fs/files/file.h"

/* The node that INO stands for; false if there is none any more. tree_node_clear it. */
bool tree_find(struct fs_mount *mount, fuse_ino_t ino, struct tree_node *node);

/* What CALLER finds under NAME in the directory DIR; false if there is none. tree_node_clear it. */
bool tree_lookup(struct fs_mount *mount, const struct tree_node *dir, const char *name,
                 const struct fs_caller *caller, struct tree_node *node);

/*
 * The node of FILE in the directory DIR, by its NUMBER if it has numbers. It need not exist; no
 * reference is taken.
 */
struct tree_node tree_child(const struct tree_node *dir, const struct tree_file *file, int number);

struct tree_node tree_node_copy(const struct tree_node *node);
void tree_node_clear(struct tree_node *node);

fuse_ino_t tree_ino(const struct tree_node *node);

/* The attributes of a node, whose process may have ended. */
void tree_stat(struct fs_mount *mount, const struct tree_node *node, struct stat *st);

/* How long, in seconds, the attributes of a node stay true. */
double tree_attr_timeout(const struct tree_node *node);

/* What a lookup of a node answers. */
void tree_entry(struct fs_mount *mount, const struct tree_node *node,
                struct fuse_entry_param *entry);

/*
 * The row that comes after PREVIOUS in the directory DIR (NULL: the first), or NULL after the last.
 */
const struct tree_file *tree_next(const struct tree_file *dir, const struct tree_file *previous);

/* The directory that DIR stands in; the root stands in itself. No reference is taken. */
struct tree_node tree_parent(const struct tree_node *dir);

#endif
