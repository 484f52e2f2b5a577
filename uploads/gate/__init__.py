"""Where the data plane meets the application: tus on one side, this room's services on the other."""
