"""credservice: the kernel that both doors stand on."""
