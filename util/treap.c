#include "util/treap.h"

#include <stddef.h>

/* The place of KEY in the heap. Different keys have different ones (the finisher of splitmix64). */
static uint64_t priority(uint64_t key)
{
	key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
	return key ^ key >> 31;
}

/* Split TREE into the members below KEY and those above it. */
static void split(struct treap_link *tree, uint64_t key, struct treap_link **below,
                  struct treap_link **above)
{
	while (tree != NULL) {
		if (tree->key < key) {
			*below = tree;
			below = &tree->right;
			tree = tree->right;
		} else {
			*above = tree;
			above = &tree->left;
			tree = tree->left;
		}
	}
	*below = *above = NULL;
}

/* Join BELOW and ABOVE, whose keys are all higher than those of BELOW, at *TREE. */
static void join(struct treap_link *below, struct treap_link *above, struct treap_link **tree)
{
	while (below != NULL && above != NULL) {
		if (priority(below->key) > priority(above->key)) {
			*tree = below;
			tree = &below->right;
			below = below->right;
		} else {
			*tree = above;
			tree = &above->left;
			above = above->left;
		}
	}
	*tree = below != NULL ? below : above;
}

void treap_insert(struct treap_link **root, struct treap_link *link, uint64_t key)
{
	while (*root != NULL && priority((*root)->key) > priority(key))
		root = key < (*root)->key ? &(*root)->left : &(*root)->right;
	link->key = key;
	split(*root, key, &link->left, &link->right);
	*root = link;
}

struct treap_link *treap_remove(struct treap_link **root, uint64_t key)
{
	while (*root != NULL && (*root)->key != key)
		root = key < (*root)->key ? &(*root)->left : &(*root)->right;
	struct treap_link *link = *root;
	if (link != NULL)
		join(link->left, link->right, root);
	return link;
}

struct treap_link *treap_find(struct treap_link *root, uint64_t key)
{
	while (root != NULL && root->key != key)
		root = key < root->key ? root->left : root->right;
	return root;
}

struct treap_link *treap_above(struct treap_link *root, uint64_t key)
{
	struct treap_link *above = NULL;

	while (root != NULL) {
		if (root->key > key) {
			above = root;
			root = root->left;
		} else {
			root = root->right;
		}
	}
	return above;
}
