/* req.h - what the victim hands around; its layout in the victim. */
struct peer {
	long pad;
	int port;
	short family;
	signed char level;
	unsigned char flags;
	unsigned ttl;
};

struct conn {
	struct peer *peer;
	long id;
};

struct req {
	long seq;
	struct conn *conn;
	const char *name;
};
