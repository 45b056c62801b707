typedef int mailbox_c_is_empty;
