module packfile.example/kit

go 1.19
